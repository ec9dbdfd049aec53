from test_flow_order import *
def test_x(on_sqlite):
    o=on_sqlite.office
    n=night(("east", [Line("S1", 1)]), ("west", [Line("S1", 1)]), ("east", [Line("S1", 7)]))
    a=work_in_order(o, received(o,n)); b=work_shuffled(o,received(o,n),n)
    for x,y in zip(a["claims"],b["claims"]):
        for k in x:
            if x[k]!=y[k]: print(k,x[k],y[k])
