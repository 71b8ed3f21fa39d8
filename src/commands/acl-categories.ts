import { CommandFlag, type CommandGroup, type CommandSpec } from './command.js';
import type { Command } from './registry.js';

/** Categories of commands for access rules, in the order in which they are listed. */
const aclCategories = [
  'keyspace',
  'read',
  'write',
  'set',
  'sortedset',
  'list',
  'hash',
  'string',
  'bitmap',
  'hyperloglog',
  'geo',
  'stream',
  'pubsub',
  'admin',
  'fast',
  'slow',
  'blocking',
  'dangerous',
  'connection',
  'transaction',
  'scripting',
] as const;

export type AclCategory = (typeof aclCategories)[number];

/** The category that goes with a group; those of `pubsub` and `server` follow from the flags alone. */
const categoryOfGroup: Record<CommandGroup, AclCategory | undefined> = {
  bitmap: 'bitmap',
  cluster: undefined,
  connection: 'connection',
  generic: 'keyspace',
  geo: 'geo',
  hash: 'hash',
  hyperloglog: 'hyperloglog',
  list: 'list',
  pubsub: undefined,
  scripting: 'scripting',
  server: undefined,
  set: 'set',
  'sorted-set': 'sortedset',
  stream: 'stream',
  string: 'string',
  transactions: 'transaction',
};

/**
 * The ACL categories of a command: from its group, its flags, and what its declaration adds or takes away.
 */
export function categoriesOf(command: Command): AclCategory[] {
  const { spec } = command;
  const found = new Set<string>(flagCategories(command));
  const container = spec.subcommands !== undefined && spec.handler === undefined;
  const own = categoryOfGroup[spec.group];
  if (own !== undefined && !container) found.add(own);
  adjust(found, spec);
  return aclCategories.filter((category) => found.has(category));
}

function flagCategories(command: Command): AclCategory[] {
  const found: AclCategory[] = [];
  const scripting = command.spec.group === 'scripting';
  if (command.has(CommandFlag.write)) found.push('write');
  if (command.has(CommandFlag.readonly) && !scripting) found.push('read');
  if (command.has(CommandFlag.admin)) found.push('admin', 'dangerous');
  if (command.has(CommandFlag.pubsub)) found.push('pubsub');
  if (command.has(CommandFlag.blocking)) found.push('blocking');
  found.push(command.has(CommandFlag.fast) ? 'fast' : 'slow');
  return found;
}

function adjust(found: Set<string>, { categories = [] }: CommandSpec): void {
  for (const category of categories) {
    if (category.startsWith('-')) found.delete(category.slice(1));
    else found.add(category);
  }
}
