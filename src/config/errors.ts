import { redisVersion } from './redis-version.js';

/** Where in a configuration text a line stands. */
export interface ConfigPosition {
  /** Name of the file, '' for text that did not come from a named file. */
  readonly source: string;
  /** Number of the line, from 1. */
  readonly line: number;
  /** The line without the blanks around it. */
  readonly text: string;
}

/**
 * A configuration that cannot be: a value that a directive does not take, an unknown name, a file that cannot
 * be read. `reason` is the text that Redis gives for it; `message` is the same, with the place in front if
 * one is known.
 */
export class ConfigError extends Error {
  constructor(
    readonly reason: string,
    readonly position?: ConfigPosition,
    /** First word of the error reply, for CONFIG SET. */
    readonly code: 'ERR' | 'LOADING' = 'ERR',
  ) {
    super(position === undefined ? reason : `${place(position)}: '${position.text}': ${reason}`);
    this.name = 'ConfigError';
  }
}

/** What to print on stderr before the server gives up, in Redis's words and with the name of the file. */
export function fatalConfigText(error: ConfigError): string {
  const heading = `*** FATAL CONFIG FILE ERROR (Redis ${redisVersion}) ***`;
  if (error.position === undefined) return `\n${heading}\n${error.reason}\n`;
  const { source, line, text } = error.position;
  const where = `Reading the configuration file, at line ${line}${source === '' ? '' : ` of ${source}`}`;
  // The configuration is bytes, each as a character; who reads this wants text.
  const shown = Buffer.from(text, 'latin1').toString('utf8');
  return `\n${heading}\n${where}\n>>> '${shown}'\n${error.reason}\n`;
}

function place(position: ConfigPosition): string {
  return `${position.source === '' ? 'configuration' : position.source}:${position.line}`;
}
