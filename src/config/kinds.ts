import { integerText } from '../bytes/integers.js';
import { quoteWord } from '../bytes/words.js';
import { ConfigError } from './errors.js';

/** How values of one kind are read from words, shown by CONFIG GET, and written to redis.conf. */
export interface Kind<T> {
  /** What a value looks like, for help and documentation. */
  readonly syntax: string;
  /**
   * Several lines of a file can belong together; each is read with what the ones before gave as `current`.
   */
  readonly multiLine?: boolean;
  /** It takes several words, which a line may have as one, quoted. */
  readonly isList?: boolean;
  /** What `current` is for the first line in a file, and for CONFIG SET. Without it: the value in force. */
  readonly startFrom?: T;
  /** Throws ConfigError. Must not change `current`. */
  parse(words: readonly string[], current: T): T;
  /** The value as CONFIG GET shows it; `parse` reads it as a single word. */
  format(value: T): string;
  /** What follows the name in redis.conf, one string a line. */
  lines(value: T): string[];
}

const wrongNumber = 'wrong number of arguments';
const notAnInteger = "argument couldn't be parsed into an integer";

/** Largest values of C's types, for bounds that Redis's error texts name. */
export const INT_MAX = 2_147_483_647;
export const UINT_MAX = 4_294_967_295;
export const LONG_MAX = 9_223_372_036_854_775_807n;
export const ULONG_MAX = 18_446_744_073_709_551_615n;

export type Bound = number | bigint;

/** The one word of a directive that takes exactly one. */
export function single(words: readonly string[]): string {
  if (words.length !== 1) throw new ConfigError(wrongNumber);
  return words[0];
}

/** A list may come as several words or as one word that holds them with single blanks between. */
export function splitList(words: readonly string[]): readonly string[] {
  if (words.length !== 1) return words;
  return words[0] === '' ? [] : words[0].split(' ');
}

export function wrongNumberOfArguments(): ConfigError {
  return new ConfigError(wrongNumber);
}

function bounded(value: bigint, min: Bound, max: Bound): number {
  if (value < min || value > max)
    throw new ConfigError(`argument must be between ${min} and ${max} inclusive`);
  return Number(value);
}

export const yesNo: Kind<boolean> = {
  syntax: 'yes|no',
  parse(words) {
    const word = single(words).toLowerCase();
    if (word !== 'yes' && word !== 'no') throw new ConfigError("argument must be 'yes' or 'no'");
    return word === 'yes';
  },
  format: (value) => (value ? 'yes' : 'no'),
  lines: (value) => [value ? 'yes' : 'no'],
};

/** A whole number. Outside `clamp` it is accepted and becomes the nearest bound, as Redis does for `hz`. */
export function integer(min: Bound, max: Bound, clamp?: readonly [number, number]): Kind<number> {
  return {
    syntax: '<integer>',
    parse(words) {
      const word = single(words);
      const exact = /^(0|-?[1-9]\d*)$/.test(word) ? BigInt(word) : undefined;
      if (exact === undefined || exact !== BigInt.asIntN(64, exact)) throw new ConfigError(notAnInteger);
      const value = bounded(exact, min, max);
      return clamp === undefined ? value : Math.min(Math.max(value, clamp[0]), clamp[1]);
    },
    format: (value) => integerText(value, max),
    lines: (value) => [integerText(value, max)],
  };
}

const units: Readonly<Record<string, bigint>> = {
  '': 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1_000_000n,
  mb: 1_048_576n,
  g: 1_000_000_000n,
  gb: 1_073_741_824n,
};

/**
 * Bytes of a size such as `100`, `64mb` or `1G`, or null. No digits count as 0, and more than 64 bits of
 * digits as 64 bits of ones, as in Redis; a unit that leads beyond 64 bits is refused.
 */
export function parseMemory(word: string): bigint | null {
  const match = /^(\d*)([a-z]*)$/i.exec(word);
  const unit = match === null ? undefined : units[match[2].toLowerCase()];
  if (match === null || unit === undefined) return null;
  const digits = BigInt(match[1]);
  const bytes = (digits > ULONG_MAX ? ULONG_MAX : digits) * unit;
  return bytes > ULONG_MAX ? null : bytes;
}

/** The size with the largest unit that divides it. */
export function memoryText(bytes: number): string {
  for (const unit of ['gb', 'mb', 'kb']) {
    const size = Number(units[unit]);
    if (bytes !== 0 && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return integerText(bytes, ULONG_MAX);
}

/** A size in bytes. Sizes below `raiseTo` are accepted and raised to it. */
export function memory(min: Bound, max: Bound, raiseTo = 0): Kind<number> {
  return {
    syntax: '<bytes>',
    parse(words) {
      const bytes = parseMemory(single(words));
      if (bytes === null) throw new ConfigError('argument must be a memory value');
      return Math.max(bounded(bytes, min, max), raiseTo);
    },
    format: (value) => integerText(value, max),
    lines: (value) => [value >= Number(LONG_MAX) ? integerText(value, max) : memoryText(value)],
  };
}

/** A size in bytes or a share of `maxmemory`. */
export interface MemoryOrPercent {
  readonly unit: 'bytes' | 'percent';
  readonly amount: number;
}

export const memoryOrPercent: Kind<MemoryOrPercent> = {
  syntax: '<bytes>|<percent>%',
  parse(words) {
    const word = single(words);
    const percent = /^(0|[1-9]\d*)%$/.exec(word);
    if (percent !== null) {
      const amount = Number(percent[1]);
      if (amount > 100) throw new ConfigError('percentage argument must be less or equal to 100');
      return amount === 0 ? { unit: 'bytes', amount } : { unit: 'percent', amount };
    }
    const bytes = parseMemory(word);
    if (bytes === null) throw new ConfigError('argument must be a memory or percent value');
    return { unit: 'bytes', amount: bounded(bytes, 0, ULONG_MAX) };
  },
  format: ({ unit, amount }) => (unit === 'percent' ? `${amount}%` : integerText(amount, ULONG_MAX)),
  lines: ({ unit, amount }) => [unit === 'percent' ? `${amount}%` : memoryText(amount)],
};

/** A number written in octal, such as the mode of a file. */
export function octal(max: number): Kind<number> {
  return {
    syntax: '<octal>',
    parse(words) {
      const word = single(words);
      if (!/^[0-7]+$/.test(word)) throw new ConfigError("argument couldn't be parsed as an octal number");
      const value = Number.parseInt(word, 8);
      if (value > max) throw new ConfigError(`argument must be between 0 and ${max.toString(8)} inclusive`);
      return value;
    },
    format: (value) => value.toString(8),
    lines: (value) => [value.toString(8)],
  };
}

/** Any text; '' means that it is not set. `check` throws ConfigError for text that will not do. */
export function text(syntax = '<text>', check?: (value: string) => void): Kind<string> {
  return {
    syntax,
    parse(words) {
      const word = single(words);
      check?.(word);
      return word;
    },
    format: (value) => value,
    lines: (value) => [quoteWord(value)],
  };
}

function notOneOf(choices: readonly string[]): ConfigError {
  return new ConfigError(`argument(s) must be one of the following: ${choices.join(', ')}`);
}

/** One of several words. `synonyms` are accepted for another, as `relative` for `yes`. */
export function oneOf<const W extends string>(
  choices: readonly W[],
  synonyms: Readonly<Record<string, W>> = {},
): Kind<W> {
  return {
    syntax: choices.join('|'),
    parse(words) {
      const word = single(words).toLowerCase();
      const choice = synonyms[word] ?? choices.find((candidate) => candidate === word);
      if (choice === undefined) throw notOneOf(choices);
      return choice;
    },
    format: (value) => value,
    lines: (value) => [value],
  };
}

/** Any of several words, shown in the order of `flags`; the word `none` stands for the empty list. */
export function flags<const W extends string>(none: string, words: readonly W[]): Kind<readonly W[]> {
  const choices = [none, ...words];
  return {
    syntax: `${none}|${words.join('|')} ...`,
    isList: true,
    parse(given) {
      const chosen = splitList(given).map((word) => word.toLowerCase());
      if (chosen.length === 0 || chosen.some((word) => !choices.includes(word))) throw notOneOf(choices);
      return words.filter((word) => chosen.includes(word));
    },
    format: (value) => (value.length === 0 ? none : value.join(' ')),
    lines: (value) => [value.length === 0 ? none : value.join(' ')],
  };
}

/** A list of words, at most `limit`; `tooMany` is the reason given for more. */
export function wordList(syntax: string, limit = Infinity, tooMany = wrongNumber): Kind<readonly string[]> {
  return {
    syntax,
    isList: true,
    parse(words) {
      const list = splitList(words);
      if (list.length > limit) throw new ConfigError(tooMany);
      return list;
    },
    format: (value) => value.join(' '),
    lines: (value) => [value.length === 0 ? '""' : value.join(' ')],
  };
}
