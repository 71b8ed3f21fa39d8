import { directive } from '../directive.js';
import { integer, LONG_MAX, memory, memoryOrPercent, UINT_MAX } from '../kinds.js';
import { outputBufferLimits } from '../special-kinds.js';

const mib = 1024 * 1024;

export const clients = {
  maxclients: directive(integer(1, UINT_MAX), 10000, 'Clients served at the same time.'),
  'client-query-buffer-limit': directive(
    memory(mib, LONG_MAX),
    1024 * mib,
    'Bytes of a request that a client may leave incomplete.',
  ),
  'client-output-buffer-limit': directive(
    outputBufferLimits,
    {
      normal: { hard: 0, soft: 0, softSeconds: 0 },
      replica: { hard: 256 * mib, soft: 64 * mib, softSeconds: 60 },
      pubsub: { hard: 32 * mib, soft: 8 * mib, softSeconds: 60 },
    },
    'Waiting replies that end a connection: above the hard limit at once, above the soft one after some seconds.',
  ),
  'maxmemory-clients': directive(
    memoryOrPercent,
    { unit: 'bytes', amount: 0 },
    'Memory of all clients together, above which the greediest are disconnected; 0 for no limit.',
  ),
  'proto-max-bulk-len': directive(memory(mib, LONG_MAX), 512 * mib, 'Longest string in a request.'),
  'tracking-table-max-keys': directive(
    integer(0, LONG_MAX),
    1_000_000,
    'Keys remembered for client side caching; 0 for no limit.',
  ),
};
