import type { Call, CommandFlagName, CommandGroup, CommandSpec } from './command.js';

/** What HELP says of one subcommand. */
export interface HelpEntry {
  name: string;
  syntax: string;
  summary: string;
}

/**
 * The lines of a container's HELP: a heading, then each subcommand with its arguments and, indented, what it
 * does, and HELP itself at the end.
 */
export function helpLines(container: string, entries: HelpEntry[]): string[] {
  const lines = [`${container.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`];
  for (const { name, syntax, summary } of entries) {
    lines.push(`${name.toUpperCase()} ${syntax}`.trimEnd(), `    ${summary}`);
  }
  lines.push('HELP', '    Print this help.');
  return lines;
}

/** Replies with help lines. */
export function replyHelp({ reply }: Call, lines: string[]): void {
  reply.array(lines.length);
  for (const line of lines) reply.simple(line);
}

/** The HELP of a container command, made from the declarations of its other subcommands. */
export function helpSubcommand(
  group: CommandGroup,
  since: string,
  flags: CommandFlagName[] = ['loading', 'stale'],
): CommandSpec {
  return {
    name: 'help',
    group,
    since,
    summary: 'Lists the subcommands.',
    complexity: 'O(1)',
    syntax: '',
    flags,
    handler: (call) => {
      const { spec } = call.command.parent!;
      const others = spec.subcommands!.filter((sub) => sub.name !== 'help');
      replyHelp(call, helpLines(spec.name, others));
    },
  };
}
