import type { ReplyWriter } from '../protocol/reply-writer.js';
import { writeWords } from './command-info.js';
import type { Command } from './registry.js';
import type { Argument } from './syntax.js';

/** A field of a map in the reply: its name, and what writes its value. */
type Field = [name: string, write: () => void];

function writeFields(reply: ReplyWriter, fields: Field[]): void {
  reply.map(fields.length);
  for (const [name, write] of fields) {
    reply.text(name);
    write();
  }
}

/** One command as COMMAND DOCS shows it, its name first. */
export function writeCommandDocs(reply: ReplyWriter, command: Command): void {
  const { spec } = command;
  reply.text(command.fullName);
  const text = (value: string) => () => reply.utf8(value);
  const fields: Field[] = [
    ['summary', text(spec.summary)],
    ['since', text(spec.since)],
    ['group', text(spec.group)],
    ['complexity', text(spec.complexity)],
  ];
  const { docFlags = [], deprecated, history } = spec;
  const allDocFlags = deprecated === undefined ? docFlags : ['deprecated', ...docFlags];
  if (allDocFlags.length > 0) fields.push(['doc_flags', () => writeWords(reply, allDocFlags)]);
  if (deprecated !== undefined) {
    fields.push(['deprecated_since', text(deprecated.since)], ['replaced_by', text(deprecated.replacedBy)]);
  }
  if (history !== undefined) fields.push(['history', () => writeHistory(reply, history)]);
  const syntax = command.syntax();
  if (syntax.length > 0) {
    const keyNumber = keyNumbering(spec.keys?.length ?? 0);
    fields.push(['arguments', () => writeArguments(reply, syntax, keyNumber)]);
  }
  const { subcommands } = command;
  if (subcommands !== undefined)
    fields.push(['subcommands', () => writeSubcommands(reply, [...subcommands.values()])]);
  writeFields(reply, fields);
}

function writeHistory(reply: ReplyWriter, history: [string, string][]): void {
  reply.set(history.length);
  for (const [version, change] of history) {
    reply.array(2);
    reply.utf8(version);
    reply.utf8(change);
  }
}

function writeSubcommands(reply: ReplyWriter, subcommands: Command[]): void {
  reply.map(subcommands.length);
  for (const sub of subcommands) writeCommandDocs(reply, sub);
}

/**
 * Which key spec an argument belongs to: the n-th key argument to the n-th spec, further ones to the last.
 */
function keyNumbering(specs: number): () => number {
  let next = 0;
  return () => Math.min(next++, specs - 1);
}

function writeArguments(reply: ReplyWriter, list: Argument[], keyNumber: () => number): void {
  reply.array(list.length);
  for (const argument of list) writeArgument(reply, argument, keyNumber);
}

function writeArgument(reply: ReplyWriter, argument: Argument, keyNumber: () => number): void {
  const text = (value: string) => () => reply.text(value);
  const { token, arguments: members } = argument;
  const fields: Field[] = [
    ['name', text(argument.name)],
    ['type', text(argument.type)],
  ];
  if (members === undefined && argument.type !== 'pure-token')
    fields.push(['display_text', text(argument.name)]);
  if (argument.type === 'key') {
    const index = keyNumber();
    if (index >= 0) fields.push(['key_spec_index', () => reply.integer(index)]);
  }
  if (token !== undefined) fields.push(['token', text(token)]);
  const flags = flagsOf(argument);
  if (flags.length > 0) fields.push(['flags', () => writeWords(reply, flags)]);
  if (members !== undefined) fields.push(['arguments', () => writeArguments(reply, members, keyNumber)]);
  writeFields(reply, fields);
}

function flagsOf({ optional, multiple, multipleToken }: Argument): string[] {
  const flags: string[] = [];
  if (optional) flags.push('optional');
  if (multiple) flags.push('multiple');
  if (multipleToken) flags.push('multiple_token');
  return flags;
}
