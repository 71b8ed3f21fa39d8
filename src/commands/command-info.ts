import type { ReplyWriter } from '../protocol/reply-writer.js';
import { categoriesOf } from './acl-categories.js';
import { CommandFlag, type CommandFlagName, type KeySpec } from './command.js';
import { keyRange } from './key-specs.js';
import type { Command } from './registry.js';

/** All but one: that a command may replicate although it does not write is the server's own affair. */
const flagNames = (Object.keys(CommandFlag) as CommandFlagName[]).filter((name) => name !== 'may_replicate');

/** One command as COMMAND INFO shows it: ten facts, subcommands included. */
export function writeCommandInfo(reply: ReplyWriter, command: Command): void {
  const { first, last, step } = keyRange(command.spec);
  reply.array(10);
  reply.text(command.fullName);
  reply.integer(command.arity);
  writeWords(
    reply,
    flagNames.filter((name) => command.has(CommandFlag[name])),
  );
  reply.integer(first);
  reply.integer(last);
  reply.integer(step);
  writeWords(
    reply,
    categoriesOf(command).map((category) => `@${category}`),
  );
  const { tips = [], keys = [] } = command.spec;
  reply.set(tips.length);
  for (const tip of tips) reply.text(tip);
  reply.set(keys.length);
  for (const spec of keys) writeKeySpec(reply, spec);
  const subcommands = [...(command.subcommands?.values() ?? [])];
  reply.set(subcommands.length);
  for (const sub of subcommands) writeCommandInfo(reply, sub);
}

/** A set of simple strings. */
export function writeWords(reply: ReplyWriter, words: string[]): void {
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}

function writeKeySpec(reply: ReplyWriter, spec: KeySpec): void {
  reply.map(spec.notes === undefined ? 3 : 4);
  if (spec.notes !== undefined) {
    reply.text('notes');
    reply.text(spec.notes);
  }
  reply.text('flags');
  writeWords(reply, spec.flags.split(' '));
  reply.text('begin_search');
  writeBegin(reply, spec.begin);
  reply.text('find_keys');
  writeFind(reply, spec.find);
}

function writeBegin(reply: ReplyWriter, begin: KeySpec['begin']): void {
  if (begin === 'unknown') writeTyped(reply, 'unknown', []);
  else if (typeof begin === 'number') writeTyped(reply, 'index', [['index', begin]]);
  else {
    const { keyword, startFrom } = begin;
    writeTyped(reply, 'keyword', [
      ['keyword', keyword],
      ['startfrom', startFrom],
    ]);
  }
}

function writeFind(reply: ReplyWriter, find: KeySpec['find']): void {
  if (find === 'unknown') writeTyped(reply, 'unknown', []);
  else if ('keyCountAt' in find) {
    writeTyped(reply, 'keynum', [
      ['keynumidx', find.keyCountAt],
      ['firstkey', find.firstKey],
      ['keystep', find.step],
    ]);
  } else {
    writeTyped(reply, 'range', [
      ['lastkey', find.last],
      ['keystep', find.step],
      ['limit', find.limit ?? 0],
    ]);
  }
}

function writeTyped(reply: ReplyWriter, type: string, fields: [string, string | number][]): void {
  reply.map(2);
  reply.text('type');
  reply.text(type);
  reply.text('spec');
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.text(name);
    if (typeof value === 'number') reply.integer(value);
    else reply.text(value);
  }
}
