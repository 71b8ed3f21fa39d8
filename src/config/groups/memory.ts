import { directive } from '../directive.js';
import { INT_MAX, integer, LONG_MAX, memory as memorySize, oneOf, ULONG_MAX, yesNo } from '../kinds.js';
import { oomScores } from '../special-kinds.js';

export const memory = {
  maxmemory: directive(
    memorySize(0, ULONG_MAX),
    0,
    'Memory for data, above which maxmemory-policy decides; 0 for no limit.',
  ),
  'maxmemory-policy': directive(
    oneOf([
      'volatile-lru',
      'volatile-lfu',
      'volatile-random',
      'volatile-ttl',
      'allkeys-lru',
      'allkeys-lfu',
      'allkeys-random',
      'noeviction',
    ]),
    'noeviction',
    'Which keys make room: by use, at random or by time to live, of all keys or of those that expire; or none.',
  ),
  'maxmemory-samples': directive(integer(1, INT_MAX), 5, 'Keys looked at to find one to evict.'),
  'maxmemory-eviction-tenacity': directive(
    integer(0, 100),
    10,
    'How much time eviction may take: 0 the least, 100 as long as it needs.',
  ),
  'active-expire-effort': directive(integer(1, 10), 1, 'How much time the search for expired keys may take.'),
  'lfu-log-factor': directive(
    integer(0, INT_MAX),
    10,
    'How many hits the frequency counter needs to be full.',
  ),
  'lfu-decay-time': directive(
    integer(0, INT_MAX),
    1,
    'Minutes after which the frequency counter loses one; 0 for never.',
  ),
};

export const lazyFreeing = {
  'lazyfree-lazy-eviction': directive(yesNo, false, 'Free evicted values in slices.'),
  'lazyfree-lazy-expire': directive(yesNo, false, 'Free expired values in slices.'),
  'lazyfree-lazy-server-del': directive(
    yesNo,
    false,
    'Free in slices what a command such as RENAME replaces.',
  ),
  'lazyfree-lazy-user-del': directive(yesNo, false, 'DEL frees in slices, as UNLINK does.', {
    inert: 'DEL always frees big values in slices.',
  }),
  'lazyfree-lazy-user-flush': directive(yesNo, false, 'FLUSHALL and FLUSHDB are ASYNC unless told SYNC.'),
};

export const threadedIo = {
  'io-threads': directive(integer(1, 128), 1, 'Threads that read from and write to sockets.', {
    immutable: true,
    inert: 'Clients are served by one event loop.',
  }),
  'io-threads-do-reads': directive(yesNo, false, 'Use those threads for reading too.', {
    immutable: true,
    inert: 'Clients are served by one event loop.',
  }),
};

export const kernelMemory = {
  'oom-score-adj': directive(
    oneOf(['no', 'yes', 'relative', 'absolute'], { relative: 'yes' }),
    'no',
    'Tell Linux how soon to end this process when memory runs out: by adding a score to its own, or with that score alone.',
  ),
  'oom-score-adj-values': directive(
    oomScores,
    [0, 200, 800],
    'Scores of masters, of replicas and, without use here, of processes that save.',
  ),
  'disable-thp': directive(yesNo, true, 'Ask Linux for no huge pages.', {
    immutable: true,
    inert: 'Node cannot make that request, and without fork huge pages do no harm.',
  }),
};

export const activeDefrag = {
  activedefrag: directive(yesNo, false, 'Move values to undo the fragmentation of memory.'),
  'active-defrag-ignore-bytes': directive(
    memorySize(1, LONG_MAX),
    100 * 1024 * 1024,
    'Waste below which nothing is done.',
  ),
  'active-defrag-threshold-lower': directive(integer(0, 1000), 10, 'Percent of waste at which to begin.'),
  'active-defrag-threshold-upper': directive(
    integer(0, 1000),
    100,
    'Percent of waste at which to do the most.',
  ),
  'active-defrag-cycle-min': directive(integer(1, 99), 1, 'Percent of a processor to use at least.'),
  'active-defrag-cycle-max': directive(integer(1, 99), 25, 'Percent of a processor to use at most.'),
  'active-defrag-max-scan-fields': directive(
    integer(1, LONG_MAX),
    1000,
    'Elements of a collection looked at in one go.',
  ),
  'jemalloc-bg-thread': directive(yesNo, true, 'Let jemalloc return memory in a thread of its own.', {
    inert: 'The memory is not managed by jemalloc.',
  }),
};

export const housekeeping = {
  activerehashing: directive(yesNo, true, 'Finish the growth of tables while the server is idle.', {
    inert: 'Tables grow by one bucket at a time, so there is nothing to finish.',
  }),
  hz: directive(integer(0, INT_MAX, [1, 500]), 10, 'How often a second the periodic work is done.'),
  'dynamic-hz': directive(yesNo, true, 'Do the periodic work more often with many clients.', {
    inert: 'Every round of the periodic work looks after all clients.',
  }),
};
