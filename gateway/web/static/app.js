// Comfort for people who work by keys. Everything here is also a link or a form, so that nothing needs this file.
(function () {
  "use strict";

  const typing = (target) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));
  const all = (selector) => Array.prototype.slice.call(document.querySelectorAll(selector));

  // Rows that open: J and K go down and up, Enter opens, a click anywhere in the row too.
  function rows() {
    return all("tr[data-open]");
  }

  function current() {
    return document.querySelector("tr[data-open].current");
  }

  function go(step) {
    const list = rows();
    if (!list.length) return;
    const before = list.indexOf(current());
    const next = Math.min(list.length - 1, Math.max(0, before < 0 ? (step > 0 ? 0 : list.length - 1) : before + step));
    list.forEach((row) => row.classList.remove("current"));
    list[next].classList.add("current");
    list[next].scrollIntoView({ block: "nearest" });
  }

  function open(row) {
    if (row) window.location.assign(row.dataset.open);
  }

  // A control that says data-key is pressed by its key; one that is hidden or disabled is not.
  function press(key) {
    const control = all("[data-key]").find((one) => one.dataset.key.split(" ").includes(key) && !one.disabled && one.offsetParent !== null);
    if (!control) return false;
    control.click();
    return true;
  }

  function keys() {
    const dialog = document.getElementById("keys");
    if (!dialog || !dialog.showModal) return;
    if (dialog.open) dialog.close();
    else dialog.showModal();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (document.querySelector("dialog[open]") && key !== "?") return;
    if (key === "?") keys();
    else if (key === "j") go(1);
    else if (key === "k") go(-1);
    else if (key === "Enter" && current() && !(event.target instanceof HTMLAnchorElement || event.target instanceof HTMLButtonElement)) open(current());
    else if (key === "/") {
      const field = document.querySelector("[data-search]");
      if (!field) return;
      field.focus();
    } else if (!press(key)) return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    if (target.closest("[data-keys]")) keys();
    if (target.closest("[data-close]")) target.closest("dialog").close();
    if (target.closest("[data-print]")) window.print();
    if (target.closest("a, button, input, select, label, summary")) return;
    const row = target.closest("tr[data-open]");
    if (row && !String(window.getSelection())) open(row);
  });

  // A form is sent once; one that says data-ask is confirmed first.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    if (form.dataset.ask && !window.confirm(form.dataset.ask)) {
      event.preventDefault();
      return;
    }
    if (form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
  });

  // Filters work as soon as they are chosen.
  document.addEventListener("change", (event) => {
    const form = event.target instanceof Element ? event.target.closest("form[data-at-once]") : null;
    if (!form) return;
    if (form.requestSubmit) form.requestSubmit();
    else form.submit();
  });

  // What must not stay on a page that was left: coming back asks the server again.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
    else all("form[data-sent]").forEach((form) => form.removeAttribute("data-sent"));
  });
})();
