// The command groups that are compared. A new group is a file in groups/ and a line here.
import { bitmaps } from './groups/bitmaps.mjs';
import { connection } from './groups/connection.mjs';
import { expiry } from './groups/expiry.mjs';
import { geo } from './groups/geo.mjs';
import { hashes } from './groups/hashes.mjs';
import { hyperLogLogs } from './groups/hyperloglogs.mjs';
import { keys } from './groups/keys.mjs';
import { lists } from './groups/lists.mjs';
import { pubsub } from './groups/pubsub.mjs';
import { scripting } from './groups/scripting.mjs';
import { server } from './groups/server.mjs';
import { sets } from './groups/sets.mjs';
import { sortedSets } from './groups/sorted-sets.mjs';
import { streamsGroup } from './groups/streams.mjs';
import { strings } from './groups/strings.mjs';
import { transactions } from './groups/transactions.mjs';
import { wrongTypes } from './groups/wrong-types.mjs';

/**
 * @typedef {import('./generators.mjs').Syntax} Syntax
 *
 * @typedef {object} CommandEntry
 * @property {Syntax} syntax the arguments
 * @property {number} [weight] how often, compared with 1
 * @property {boolean} [exact] never mutated: with other arguments it would end the server or the comparison
 * @property {string} [since] the version that brought it, when an older oracle must not be asked
 * @property {boolean} [spelled] the syntax holds the command's name too, the entry's name is only a label
 *
 * @typedef {object} Group
 * @property {string} name
 * @property {Record<string, Syntax | CommandEntry>} commands by name, a subcommand after a blank; names in angle
 *   brackets are done by the fuzzer itself
 * @property {((random: import('./random.mjs').Random) => string[][])[]} [scenarios] commands that belong together
 * @property {boolean} [mayBeUnknown] commands that one of the servers does not know are left out silently
 */

/** @type {Group[]} */
export const GROUPS = [
  strings,
  sortedSets,
  geo,
  bitmaps,
  hashes,
  hyperLogLogs,
  lists,
  streamsGroup,
  keys,
  expiry,
  transactions,
  connection,
  sets,
  pubsub,
  scripting,
  server,
  wrongTypes,
];
