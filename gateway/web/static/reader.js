"use strict";
// Shows openapi.json as it is. Text is only ever set as text, so nothing in the document can become markup.
(function () {
  function make(name, text, className) {
    const node = document.createElement(name);
    if (text !== undefined) { node.textContent = text; }
    if (className) { node.className = className; }
    return node;
  }

  function row(cells) {
    const line = make("tr");
    for (const cell of cells) { line.appendChild(make("td", cell)); }
    return line;
  }

  function typed(content) {
    const kinds = Object.values(content || {}).map(function (part) {
      return part.schema.$ref ? part.schema.$ref.split("/").pop() : part.schema.type || "";
    });
    return kinds.join(", ");
  }

  function shown(path, method, operation) {
    const box = make("details"), head = make("summary");
    head.appendChild(make("span", method.toUpperCase(), "method"));
    head.appendChild(make("code", path));
    head.appendChild(make("span", " " + (operation.summary || "")));
    box.appendChild(head);
    box.appendChild(make("p", operation.description || ""));
    if (operation["x-verb"]) { box.appendChild(make("p", "密钥用途 (verb): " + operation["x-verb"])); }
    const table = make("table");
    for (const part of operation.parameters || []) {
      table.appendChild(row([part.name, part.in + (part.required ? " *" : ""), part.description || ""]));
    }
    if (operation.requestBody) { table.appendChild(row(["请求体 (body)", typed(operation.requestBody.content), ""])); }
    for (const status of Object.keys(operation.responses)) {
      const answer = operation.responses[status];
      table.appendChild(row([status, typed(answer.content), answer.description || ""]));
    }
    box.appendChild(table);
    return box;
  }

  function fill(found) {
    document.getElementById("title").textContent = found.info.title + " " + found.info.version;
    document.getElementById("about").textContent = found.info.description || "";
    const list = document.getElementById("operations"), schemas = document.getElementById("schemas");
    for (const path of Object.keys(found.paths)) {
      for (const method of Object.keys(found.paths[path])) {
        list.appendChild(shown(path, method, found.paths[path][method]));
      }
    }
    for (const name of Object.keys(found.components.schemas)) {
      const box = make("details");
      box.appendChild(make("summary", name));
      box.appendChild(make("pre", JSON.stringify(found.components.schemas[name], null, 1)));
      schemas.appendChild(box);
    }
    document.getElementById("filter").addEventListener("input", function (event) {
      const wanted = event.target.value.trim().toLowerCase();
      for (const box of document.querySelectorAll("details")) {
        box.hidden = !box.textContent.toLowerCase().includes(wanted);
      }
    });
  }

  fetch("openapi.json").then(function (answer) { return answer.json(); }).then(fill);
})();
