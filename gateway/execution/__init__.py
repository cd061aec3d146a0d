"""Compiled execution: one Python function a level, written for what one caller may read, in place of a walk field by field.

**The problem.** graphql-core walks a query field by field and value by value: over rows that are already there, that walk is
most of an answer's time. The same few documents come back all day, from callers whose rights differ.

**The steps.**

1. *Look* (`executor.Executor`): find what was compiled of (document, operation, fields refused, values of @skip and @include). At
   the first sight of one, graphql-core executes: a query asked once costs nothing more. At the second, it is compiled, and kept.
2. *Write* (`codegen.compile_operation`): for each root field, a function from what its resolver returns to what the answer shows.
   A selection of objects becomes one dict display, a list one loop, a leaf one test of its class (`leaves.Leaf`), a refused
   field the word `None`: nothing reads it.
3. *Run* (`compiled_operation.CompiledOperation`): root fields stay ordinary resolvers. Their arguments without a variable are
   read once, the others at each run, by what the graph says of their types (`conversions`).
4. *Keep* (`compiled_operation.encode_once`): what a page and its nodes show no longer changes: their bytes are kept with them,
   once the sentinel has read what they hold, and a warm answer joins them.
5. *Give up*: what is not right (a value of another class, a null where none may be, an error of a resolver below the root) is
   `leaves.Unexpected`: the operation is executed again by graphql-core, which says what the specification says. So is, from the
   start, what the writer does not cover (`codegen.Unsupported`). Both are counted, and logged once a document.

**The invariants.**

- A compiled operation answers as graphql-core does, byte for byte, or does not answer: `tests/execution` compares both,
  operation by generated operation.
- The text of a function holds no value of a request: names of the schema, numbers, and response keys as literals.
- Nothing here knows a category: the context hands out masked copies, and what is not read is not there to be written.
- Nothing is sent before an execution ends: giving up costs time, never a wrong answer.

**Why so.** What one caller may read of a document changes rarely, so the walk can be done once and its result kept as code.
The oracle stays one call away, so the writer covers the common shapes only and stays small. docs/performance.md shows a
generated function; `python -m gateway expliquer` prints any.
"""
