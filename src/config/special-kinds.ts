/** Kinds of values that a single directive has. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { quoteWord } from '../bytes/words.js';
import { ConfigError } from './errors.js';
import { configFromText, pathFromConfig, systemErrorOf, systemErrorText } from './files.js';
import { type Kind, memoryText, parseMemory, single, splitList, wrongNumberOfArguments } from './kinds.js';

/** Save when at least `changes` keys changed and `seconds` have passed. */
export interface SavePoint {
  readonly seconds: number;
  readonly changes: number;
}

/**
 * `save`: each line adds save points, the first one in a file replaces the built-in ones, `""` removes all.
 */
export const savePoints: Kind<readonly SavePoint[]> = {
  syntax: '<seconds> <changes> [<seconds> <changes> ...]',
  multiLine: true,
  startFrom: [],
  isList: true,
  parse(words, current) {
    const list = splitList(words);
    if (list.length === 0) return [];
    if (list.length % 2 !== 0) throw new ConfigError('Invalid save parameters');
    const points = [...current];
    for (let i = 0; i < list.length; i += 2) points.push(savePoint(list[i], list[i + 1]));
    return points;
  },
  format: (value) => value.map(({ seconds, changes }) => `${seconds} ${changes}`).join(' '),
  lines: (value) =>
    value.length === 0 ? ['""'] : value.map(({ seconds, changes }) => `${seconds} ${changes}`),
};

function savePoint(seconds: string, changes: string): SavePoint {
  if (!/^[1-9]\d{0,14}$/.test(seconds) || !/^\d{1,15}$/.test(changes))
    throw new ConfigError('Invalid save parameters');
  return { seconds: Number(seconds), changes: Number(changes) };
}

export type ClientClass = 'normal' | 'replica' | 'pubsub';
const clientClasses: readonly ClientClass[] = ['normal', 'replica', 'pubsub'];

/**
 * A client is disconnected above `hard` bytes of waiting replies, or after `softSeconds` above `soft`. 0: no
 * limit.
 */
export interface OutputBufferLimit {
  readonly hard: number;
  readonly soft: number;
  readonly softSeconds: number;
}
export type OutputBufferLimits = Readonly<Record<ClientClass, OutputBufferLimit>>;

/** `client-output-buffer-limit`: classes that are not named keep their limits. */
export const outputBufferLimits: Kind<OutputBufferLimits> = {
  syntax: 'normal|replica|pubsub <hard> <soft> <seconds> [...]',
  multiLine: true,
  isList: true,
  parse(words, current) {
    const list = splitList(words);
    if (list.length % 4 !== 0)
      throw new ConfigError('Wrong number of arguments in buffer limit configuration.');
    const limits = { ...current };
    for (let i = 0; i < list.length; i += 4)
      limits[clientClass(list[i])] = bufferLimit(list[i + 1], list[i + 2], list[i + 3]);
    return limits;
  },
  format: (value) =>
    clientClasses
      .map((name) => {
        const { hard, soft, softSeconds } = value[name];
        return `${name === 'replica' ? 'slave' : name} ${hard} ${soft} ${softSeconds}`;
      })
      .join(' '),
  lines: (value) =>
    clientClasses.map((name) => {
      const { hard, soft, softSeconds } = value[name];
      return `${name} ${memoryText(hard)} ${memoryText(soft)} ${softSeconds}`;
    }),
};

function clientClass(word: string): ClientClass {
  const folded = word.toLowerCase();
  const name = folded === 'slave' ? 'replica' : clientClasses.find((candidate) => candidate === folded);
  if (name === undefined)
    throw new ConfigError('Invalid client class specified in buffer limit configuration.');
  return name;
}

function bufferLimit(hard: string, soft: string, seconds: string): OutputBufferLimit {
  const hardBytes = parseMemory(hard);
  const softBytes = parseMemory(soft);
  if (hardBytes === null || softBytes === null || !/^\d{1,10}$/.test(seconds))
    throw new ConfigError('Error in hard, soft or soft_seconds setting in buffer limit configuration.');
  return { hard: Number(hardBytes), soft: Number(softBytes), softSeconds: Number(seconds) };
}

/** Address of the server that this one copies, null for none. */
export type MasterAddress = { readonly host: string; readonly port: number } | null;

export const masterAddress: Kind<MasterAddress> = {
  syntax: '<host> <port>',
  isList: true,
  parse(words) {
    const list = splitList(words);
    if (list.length === 0) return null; // the form in which CONFIG GET shows that there is none
    if (list.length !== 2) throw wrongNumberOfArguments();
    const [host, port] = list;
    if (host.toLowerCase() === 'no' && port.toLowerCase() === 'one') return null;
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) throw new ConfigError('Invalid master port');
    return host === '' ? null : { host, port: Number(port) };
  },
  format: (value) => (value === null ? '' : `${value.host} ${value.port}`),
  lines: (value) => (value === null ? [] : [`${value.host} ${value.port}`]),
};

export const percentiles: Kind<readonly number[]> = {
  syntax: '<percentile> ...',
  isList: true,
  parse(words) {
    return splitList(words).map((word) => {
      const value = word.trim() === '' ? Number.NaN : Number(word);
      if (Number.isNaN(value)) throw new ConfigError('Invalid latency-tracking-info-percentiles parameters');
      if (value < 0 || value > 100)
        throw new ConfigError('latency-tracking-info-percentiles parameters should sit between [0.0,100.0]');
      return value;
    });
  },
  format: (value) => value.map(percentileText).join(' '),
  lines: (value) => [value.length === 0 ? '""' : value.map(percentileText).join(' ')],
};

/** A percentile with at most six decimals and no zeros at the end, as INFO's field names have it too. */
export function percentileText(value: number): string {
  return String(Number(value.toFixed(6)));
}

/** Scores for a server that is a master, a replica, a child that saves. */
export type OomScores = readonly [master: number, replica: number, child: number];

export const oomScores: Kind<OomScores> = {
  syntax: '<master> <replica> <child>',
  isList: true,
  parse(words) {
    const list = splitList(words);
    if (list.length !== 3) throw wrongNumberOfArguments();
    return [oomScore(list[0]), oomScore(list[1]), oomScore(list[2])];
  },
  format: (value) => value.join(' '),
  lines: (value) => [value.join(' ')],
};

function oomScore(word: string): number {
  const score = /^-?\d{1,4}$/.test(word) ? Number(word) : Number.NaN;
  if (!(score >= -2000 && score <= 2000))
    throw new ConfigError('Invalid oom-score-adj-values, elements must be between -2000 and 2000.');
  return score;
}

/**
 * Letters of keyspace events that `A` stands for, and all others, in the order in which CONFIG GET shows
 * them.
 */
export const allEvents = 'g$lshzxetd';
const eventOrder = `${allEvents}nKEm`;

/** `notify-keyspace-events`: the value is the canonical form, with `A` where it can stand. */
export const eventClasses: Kind<string> = {
  syntax: '<letters>',
  parse(words) {
    const letters = single(words).replaceAll('A', allEvents);
    for (const letter of letters) {
      if (!eventOrder.includes(letter))
        throw new ConfigError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
    const all = [...allEvents].every((letter) => letters.includes(letter));
    const order = all ? eventOrder.slice(allEvents.length) : eventOrder;
    return (all ? 'A' : '') + [...order].filter((letter) => letters.includes(letter)).join('');
  },
  format: (value) => value,
  lines: (value) => [quoteWord(value)],
};

/** An existing directory; the value is its absolute path. */
export const directory: Kind<string> = {
  syntax: '<directory>',
  parse(words) {
    const name = pathFromConfig(single(words));
    if (name === '') throw new ConfigError(systemErrorOf('ENOENT'));
    const path = resolve(name);
    try {
      if (!statSync(path).isDirectory()) throw new ConfigError('Not a directory');
    } catch (error) {
      throw error instanceof ConfigError ? error : new ConfigError(systemErrorText(error));
    }
    return configFromText(path);
  },
  format: (value) => value,
  lines: (value) => [quoteWord(value)],
};

/** A directive that files may hold any number of times; the value is the words of each line. */
export function repeated(
  syntax: string,
  words: { min: number; max: number },
): Kind<readonly (readonly string[])[]> {
  return {
    syntax,
    multiLine: true,
    startFrom: [],
    parse(given, current) {
      if (given.length < words.min || given.length > words.max)
        throw new ConfigError('Bad directive or wrong number of arguments');
      return [...current, [...given]];
    },
    format: (value) => value.map((line) => line.join(' ')).join('\n'),
    lines: (value) => value.map((line) => line.map(bareOrQuoted).join(' ')),
  };
}

function bareOrQuoted(word: string): string {
  return /^[!#-&(-[\]-~]+$/.test(word) ? word : quoteWord(word);
}
