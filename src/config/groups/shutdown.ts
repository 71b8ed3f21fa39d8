import { directive } from '../directive.js';
import { flags, INT_MAX, integer } from '../kinds.js';

const signalOptions = flags('default', ['save', 'nosave', 'now', 'force']);

export const shutdown = {
  'shutdown-on-sigint': directive(signalOptions, [], 'How to shut down at Ctrl-C, in the words of SHUTDOWN.'),
  'shutdown-on-sigterm': directive(signalOptions, [], 'How to shut down at SIGTERM.'),
  'shutdown-timeout': directive(
    integer(0, INT_MAX),
    10,
    'Seconds to wait at the end for replicas that lag behind.',
  ),
};
