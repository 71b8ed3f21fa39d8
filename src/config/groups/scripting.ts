import { directive } from '../directive.js';
import { integer, LONG_MAX, yesNo } from '../kinds.js';

export const scripting = {
  'busy-reply-threshold': directive(
    integer(0, LONG_MAX),
    5000,
    'Milliseconds after which a script that still runs makes other clients get BUSY.',
    { alias: 'lua-time-limit' },
  ),
  'lua-enable-deprecated-api': directive(yesNo, false, 'Give scripts functions that were removed.', {
    hidden: true,
    immutable: true,
    inert: 'Those functions do not exist here.',
  }),
};
