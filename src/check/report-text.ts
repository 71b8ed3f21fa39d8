import { quoteWord } from '../bytes/words.js';
import type { AofReport } from './check-aof.js';
import type { RdbReport, Share } from './check-rdb.js';

/** Commands by name that are shown. */
const commandsShown = 12;

/** What is in an RDB file, in lines. */
export function rdbText(path: string, report: RdbReport, size: number): string[] {
  const { version, notes, types, databases, biggest, end, problem } = report;
  const known = version === 0 ? '' : `, version ${version} of the format`;
  const lines = [`${path}: RDB file, ${size} bytes${known}`];
  for (const [name, text] of notes) lines.push(`  ${printable(name)}: ${printable(text)}`);
  for (const [index, { keys, expiring }] of sorted(databases)) {
    lines.push(`  database ${index}: ${plural(keys, 'key')}, ${expiring} of them with an expiry`);
  }
  for (const [type, share] of [...types].sort(([, a], [, b]) => b.bytes - a.bytes)) {
    lines.push(`  ${type}: ${shareText(share)}`);
  }
  const { entries, groups, consumers, pending } = report.streams;
  if (types.has('stream')) {
    lines.push(
      `  in streams: ${counted(entries, 'entry', 'entries')}, ${plural(groups, 'group')}, ` +
        `${plural(consumers, 'consumer')}, ${counted(pending, 'pending entry', 'pending entries')}`,
    );
  }
  if (report.expired > 0) lines.push(`  expired by now: ${plural(report.expired, 'key')}`);
  for (const { name, bytes } of report.libraries) {
    lines.push(`  library of functions: ${name === '' ? 'without a name' : name}, ${bytes} bytes`);
  }
  for (const what of report.skipped) lines.push(`  passed over: ${what}`);
  if (biggest.length > 0) lines.push('  biggest keys:');
  for (const { name, database, type, bytes, elements } of biggest) {
    const count = type === 'string' ? '' : `, ${plural(elements, 'element')}`;
    lines.push(`    ${bytes} bytes: ${type} ${printable(name)} in database ${database}${count}`);
  }
  if (problem === undefined) {
    const checksum = report.hasChecksum ? 'its checksum is right' : 'it has no checksum';
    lines.push(`${path}: the snapshot is valid up to offset ${end}, ${checksum}`);
  }
  return lines;
}

function sorted<T>(map: Map<number, T>): [number, T][] {
  return [...map].sort(([a], [b]) => a - b);
}

function shareText({ keys, bytes }: Share): string {
  return `${plural(keys, 'key')}, ${bytes} bytes`;
}

/** What the commands of an append-only file are, in lines. */
export function aofText(path: string, report: AofReport, from: number): string[] {
  const { commands, transactions, size, firstTimestamp, lastTimestamp, problem } = report;
  const where = from === 0 ? '' : ` behind the snapshot, from offset ${from} on`;
  const all = [...commands.values()].reduce((sum, count) => sum + count, 0);
  const lines = [`${path}: append-only file, ${size} bytes, ${plural(all, 'command')}${where}`];
  const byCount = [...commands].sort(([, a], [, b]) => b - a);
  for (const [name, count] of byCount.slice(0, commandsShown)) lines.push(`  ${printable(name)}: ${count}`);
  if (byCount.length > commandsShown) lines.push(`  and ${byCount.length - commandsShown} others`);
  if (transactions > 0) lines.push(`  transactions: ${transactions}`);
  if (firstTimestamp > 0) lines.push(`  written from ${time(firstTimestamp)} to ${time(lastTimestamp)}`);
  if (problem === undefined) lines.push(`${path}: the commands are valid`);
  return lines;
}

/** A hostile file may tell of times that no calendar has. */
function time(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : date.toISOString();
}

function plural(count: number, what: string): string {
  return counted(count, what, `${what}s`);
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Text of a file as it can be shown on a terminal. */
function printable(latin1: string): string {
  return /^[!-~]+$/.test(latin1) ? latin1 : quoteWord(latin1);
}
