import { directive } from '../directive.js';
import { ConfigError } from '../errors.js';
import { flags, INT_MAX, integer } from '../kinds.js';

const anyOptions = flags('default', ['save', 'nosave', 'now', 'force']);
const signalOptions: typeof anyOptions = {
  ...anyOptions,
  parse(words, current) {
    const options = anyOptions.parse(words, current);
    if (options.includes('save') && options.includes('nosave'))
      throw new ConfigError("shutdown options SAVE and NOSAVE can't be used simultaneously");
    return options;
  },
};

export const shutdown = {
  'shutdown-on-sigint': directive(signalOptions, [], 'How to shut down at Ctrl-C, in the words of SHUTDOWN.'),
  'shutdown-on-sigterm': directive(signalOptions, [], 'How to shut down at SIGTERM.'),
  'shutdown-timeout': directive(
    integer(0, INT_MAX),
    10,
    'Seconds to wait at the end for replicas that lag behind.',
  ),
};
