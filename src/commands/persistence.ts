import { CommandError, errors } from '../protocol/errors.js';
import { ArgumentReader } from './arguments.js';
import type { Call, CommandSpec } from './command.js';

/** Commands that save the data set to its file. */
export const persistenceCommands: CommandSpec[] = [
  {
    name: 'save',
    group: 'server',
    since: '1.0.0',
    summary: 'Saves the data set to its file while everybody waits.',
    complexity: 'O(N) with N keys in all databases.',
    syntax: '',
    flags: ['admin', 'noscript', 'no_async_loading', 'no_multi'],
    handler: save,
  },
  {
    name: 'bgsave',
    group: 'server',
    since: '1.0.0',
    summary: 'Saves the data set, as it is at this moment, to its file in the background.',
    complexity: 'O(1)',
    syntax: '[SCHEDULE]',
    flags: ['admin', 'noscript', 'no_async_loading'],
    history: [['3.2.2', 'Takes SCHEDULE.']],
    handler: saveInBackground,
  },
  {
    name: 'lastsave',
    group: 'server',
    since: '1.0.0',
    summary: 'Tells when the data set was last saved with success.',
    complexity: 'O(1)',
    syntax: '',
    flags: ['loading', 'stale', 'fast'],
    categories: ['admin', 'dangerous'],
    tips: ['nondeterministic_output'],
    handler: ({ server, reply }) => reply.integer(server.saving.lastSave),
  },
];

const alreadySaving = 'ERR Background save already in progress';

function save({ server, reply }: Call): void {
  if (server.saving.inProgress) throw new CommandError(alreadySaving);
  if (!server.saving.save()) throw new CommandError('ERR');
  reply.ok();
}

function saveInBackground({ server, args, argc, reply, denyBlocking }: Call): void {
  const { saving } = server;
  const options = new ArgumentReader(args, argc, 1);
  const mayWait = options.take('schedule');
  if (!options.done) throw new CommandError(errors.syntax);
  if (saving.inProgress) throw new CommandError(alreadySaving);
  const inTransaction = denyBlocking; // in whose middle the data is not to be saved
  if (!saving.otherSnapshot && !inTransaction) {
    saving.start();
    return reply.simple('Background saving started');
  }
  if (!mayWait && !inTransaction) {
    throw new CommandError(
      "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to " +
        'schedule a BGSAVE whenever possible.',
    );
  }
  saving.schedule();
  reply.simple('Background saving scheduled');
}
