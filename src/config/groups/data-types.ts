import { directive } from '../directive.js';
import { INT_MAX, integer, LONG_MAX, memory } from '../kinds.js';

export const dataTypes = {
  'hash-max-listpack-entries': directive(
    integer(0, LONG_MAX),
    512,
    'Fields up to which a hash is a listpack.',
    { alias: 'hash-max-ziplist-entries' },
  ),
  'hash-max-listpack-value': directive(
    memory(0, LONG_MAX),
    64,
    'Longest field or value in a hash that is a listpack.',
    { alias: 'hash-max-ziplist-value' },
  ),
  'list-max-listpack-size': directive(
    integer(-INT_MAX - 1, INT_MAX),
    -2,
    'Items in a node of a list; -1 to -5: 4, 8, 16, 32 or 64 KiB instead.',
    { alias: 'list-max-ziplist-size' },
  ),
  'list-compress-depth': directive(
    integer(0, INT_MAX),
    0,
    'Nodes at each end of a list that are not compressed; 0 for no compression.',
    { inert: 'No node of a list is compressed.' },
  ),
  'set-max-intset-entries': directive(
    integer(0, LONG_MAX),
    512,
    'Members up to which a set of integers is an intset.',
  ),
  'set-max-listpack-entries': directive(
    integer(0, LONG_MAX),
    128,
    'Members up to which any other set is a listpack.',
  ),
  'set-max-listpack-value': directive(memory(0, LONG_MAX), 64, 'Longest member of a set that is a listpack.'),
  'zset-max-listpack-entries': directive(
    integer(0, LONG_MAX),
    128,
    'Members up to which a sorted set is a listpack.',
    { alias: 'zset-max-ziplist-entries' },
  ),
  'zset-max-listpack-value': directive(
    memory(0, LONG_MAX),
    64,
    'Longest member of a sorted set that is a listpack.',
    { alias: 'zset-max-ziplist-value' },
  ),
  'hll-sparse-max-bytes': directive(memory(0, LONG_MAX), 3000, 'Size up to which a HyperLogLog is sparse.'),
  'stream-node-max-bytes': directive(
    memory(0, LONG_MAX),
    4096,
    'Bytes in a node of a stream; 0 for no limit.',
  ),
  'stream-node-max-entries': directive(
    integer(0, LONG_MAX),
    100,
    'Entries in a node of a stream; 0 for no limit.',
  ),
};
