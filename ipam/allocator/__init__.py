"""Which address a port gets.

Only the primary key (subnet, address) of `ip_address` decides who owns an address. Everything else
here picks addresses that are probably free. Three facts make sure that none is lost or given
early:

- every address of the allocation pools has a row in `ip_address`, or lies at or after its shard's
  cursor in `ip_cursor`, or stands in a row of `ip_candidates`;
- rows of `ip_candidates` never change. A row is deleted when all its addresses have rows, when
another process seizes it (and writes the unused addresses into rows of its own), or when the pools
change;
- a released address keeps its row until its cooldown ends, so no old list can give it early.

`ranges` and `refill_policy` are pure; `statements`, `refill` and `pools` run inside a transaction;
`candidate_list` and `candidate_source` keep what a process remembers; `allocator` is what others
call.
"""
