"""What one caller may see of the persons whom the sources tell of, kept as long as nothing it came from changes.

**The problem.** A region holds tens of thousands of persons, told by hundreds of tenants. Joining and merging them takes
seconds, a query may take milliseconds, and two callers never see the same rows. A result may be kept only if no change of
source, right or day can leave it wrong.

**The steps.**

1. *Key* (`cache.view_key`): perimeter, purpose and day of whoever looks, and the versions of every unit that was read.
2. *Select* (`build.select_persons`): join the records, drop those who cannot be of the perimeter, merge the others, and keep
   those of whom something may be read. No id is known yet.
3. *Identify and bound* (`build.build_view`): each person, contract and rupture gets the id that the ledger of links gave;
   contracts of another CFA leave; state and reasons are worked out.
4. *Sort and cut* (`federation.lists`): a position is a sort key, so a cursor outlives rows that come and go.
5. *Mask* (`view.MaskedCopies`): what leaves is a copy that holds nothing but what these rights read of this person; the
   sentinel looks at it once, then it is kept with the view.

**The invariants.**

- A view is complete for its key and changes no more, but for what answers add to it: lists in order, masked copies.
- Nothing here reaches a source, and nothing leaves but a masked copy.
- The perimeter is judged twice: when the view is built, and again for each copy, by the rights of the caller of the moment.
- A view built without the ledger of links is temporary: its ids may not last.

**Why so.** Keying by versions makes invalidation a matter of equality: no message has to arrive for an old view to be left
(docs/decisions/0006). Selecting before ids keeps the ledger from learning persons whom nobody here may see. Masking copies,
and not values as they are written, lets the execution be compiled without knowing a category.
"""
