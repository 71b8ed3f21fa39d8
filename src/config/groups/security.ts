import { directive } from '../directive.js';
import { integer, LONG_MAX, oneOf, text } from '../kinds.js';
import { repeated } from '../special-kinds.js';

const noUsers = 'There is no user but the default one, and only requirepass keeps clients out.';

export const security = {
  'acllog-max-len': directive(integer(0, LONG_MAX), 128, 'Entries kept in ACL LOG.', { inert: noUsers }),
  aclfile: directive(text('<path>'), '', 'File with the users; then there may be no user lines.', {
    immutable: true,
    inert: noUsers,
    reliedOn: true,
  }),
  user: directive(
    repeated('<name> [<rule> ...]', { min: 1, max: Infinity }),
    [],
    'A user and what it may do, in the language of ACL SETUSER.',
    { fileOnly: true, inert: noUsers, reliedOn: true },
  ),
  requirepass: directive(text('<password>'), '', 'Password of the default user; "" for none.', {
    secret: true,
  }),
  'acl-pubsub-default': directive(
    oneOf(['allchannels', 'resetchannels']),
    'resetchannels',
    'Channels that a new user may use: all, none.',
    { inert: noUsers },
  ),
  'rename-command': directive(
    repeated('<command> <new-name>', { min: 2, max: 2 }),
    [],
    'Another name for a command; "" disables it.',
    { fileOnly: true },
  ),
};
