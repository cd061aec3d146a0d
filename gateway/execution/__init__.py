"""Compiled execution: one Python function a level, written for what one caller may read, in place of a walk field by field.

How a plan is made, and used:

1. `executor.Executor` looks for the plan of (document, operation, fields refused, values of @skip and @include). The
   first time it sees one it lets graphql-core execute: a query asked once costs nothing more. The second time it writes
   the plan, and keeps it.
2. A plan (`plans.Plan`) holds, for each root field (`plans.RootField`), a function from what its resolver returns to what
   the answer shows. Root fields stay ordinary resolvers; their arguments without a variable are read once, the others
   made of what the graph says of their types (`conversions`). The functions are text written by `spelling.Writer` and
   compiled: a selection of objects becomes one dict display, a list becomes one loop, a leaf becomes one test of its
   class (`values.Leaf`). A refused field is the word `None`: nothing reads it.
3. What may be read differs from one person to the next: the context hands out masked copies, kept with the view, so that
   nothing here knows a category, and what is not read is not there to be written.
4. What a page and its nodes show no longer changes: their bytes are kept with them (`reading.fragment`), once the sentinel has
   read them, and a warm answer joins them.
5. A level writes what is right. What is not (a value of another class, a null where none may be, an error of a resolver)
   is `Unexpected`: the operation is executed again by graphql-core, which says what the specification says. So is, from the
   start, what the writer does not cover. Both are counted, and logged once a document.

graphql-core is the oracle: `tests/execution` compares both, operation by generated operation. docs/performance.md shows
a generated function; `python -m gateway expliquer` prints any.
"""
