import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Bytes } from '../bytes/bytes.js';
import { globMatch } from '../bytes/glob.js';
import { splitWords, trimBlanks } from '../bytes/words.js';
import type { Directive } from './directive.js';
import {
  type DirectiveName,
  type Directives,
  directives,
  type Found,
  findDirective,
  forgottenDirectives,
} from './directives.js';
import { ConfigError } from './errors.js';
import { configFromText, expandGlob, hasGlob, pathFromConfig, systemErrorText } from './files.js';
import { replaceFile, rewriteText } from './rewrite.js';

export { type DirectiveName, type Directives, isSecret } from './directives.js';
export { ConfigError, fatalConfigText } from './errors.js';

/** Files that include each other deeper than this are taken for a circle. */
const maxIncludeDepth = 16;

/** Who asks for CONFIG SET, and when: some directives are refused to some. */
export interface SetOrigin {
  /** The client is on this machine, over loopback or a unix socket. */
  readonly local: boolean;
  /** The data set is being loaded. */
  readonly loading: boolean;
}

interface Hook {
  readonly names: ReadonlySet<string>;
  /** As a method, so that a function for one directive's type fits. It is only ever called with that type. */
  apply(value: unknown, old: unknown): void;
}

interface Change {
  readonly name: string;
  readonly old: unknown;
  readonly value: unknown;
}

/**
 * The configuration of one server. Text in it is latin1 strings holding bytes, as everywhere in this project.
 *
 *   const config = new Config();
 *   config.load(readFileSync(path, 'latin1'), path);      // or throws ConfigError: print fatalConfigText(error)
 *   config.onChange('maxmemory', (bytes) => evict(bytes)); // CONFIG SET calls it
 *   config.values.maxmemory                              // a number
 */
export class Config {
  /** Present values, typed, one plain property each: reading one costs no more than reading a field. */
  readonly values: Readonly<Directives>;
  /** Absolute path of the file that CONFIG REWRITE rewrites. */
  file: string | undefined;
  private readonly stored: Record<string, unknown>;
  private readonly hooks: Hook[] = [];
  /** Directives of which a line was seen since the start, so that the next line adds to it. */
  private readonly seen = new Set<string>();
  /** Directives that the server itself has set, see `assign`. */
  private readonly assigned = new Set<string>();

  constructor() {
    // From entries, because V8 then gives the object fast properties although it has hundreds.
    this.stored = Object.fromEntries([...directives].map(([name, { initial }]) => [name, initial]));
    this.stored.dir = configFromText(process.cwd());
    // The table has a directive of the right type for each name, so the record of all values is a Directives.
    this.values = this.stored as Directives;
  }

  /**
   * Reads text in the format of redis.conf over the present values. `source` names it in errors; relative
   * includes start at the current directory. Throws ConfigError, with the position, at the first line that
   * cannot be.
   */
  load(text: string, source = ''): void {
    this.loadLines(text, source, 0);
    if (this.values['cluster-enabled'] && this.values.replicaof !== null)
      throw new ConfigError('replicaof directive not allowed in cluster mode');
  }

  /**
   * Sets values from the program, without regard to what CONFIG SET may change, and calls no hooks: for
   * start-up options, and for what another command has changed already (REPLICAOF, ACL). Throws ConfigError
   * for a value that cannot be, and then changes nothing.
   */
  assign(values: Partial<Directives>): void {
    const checked = Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, this.checked(name, value)] as const);
    for (const [name, value] of checked) {
      this.stored[name] = value;
      this.assigned.add(name);
    }
  }

  /**
   * CONFIG SET: all pairs or none. Hooks are called once all values are in place; if one throws ConfigError,
   * everything is put back and the hooks that had succeeded are called again with the old values. Throws
   * ConfigError whose `reason` is the error reply without its first word, which is `code`.
   */
  set(
    pairs: readonly (readonly [name: string, value: string])[],
    origin: SetOrigin = { local: true, loading: false },
  ): void {
    const targets = pairs.map(([name]) => name);
    const found = this.settable(targets, origin);
    const before = new Map(found.map(({ name }) => [name, this.stored[name]]));
    const restore = () => {
      for (const [name, value] of before) this.stored[name] = value;
    };
    for (const [i, { name, directive }] of found.entries()) {
      try {
        const { kind } = directive;
        this.stored[name] = kind.parse([pairs[i][1]], kind.startFrom ?? this.stored[name]);
      } catch (error) {
        restore();
        throw setFailed(targets[i], error);
      }
    }
    this.applyChanges(found, targets, before, restore);
  }

  /**
   * CONFIG GET: names and values that match any of the patterns, without duplicates, in the order of the
   * table. Aliases match under their own names. A pattern without wildcards finds hidden directives too and
   * is answered under the name as asked.
   */
  getMatching(patterns: readonly string[]): [name: string, value: string][] {
    const result = new Map<string, string>();
    for (const pattern of patterns) {
      const found = hasGlob(pattern) ? undefined : findDirective(pattern);
      if (found !== undefined && !found.directive.fileOnly) result.set(pattern, this.format(found));
    }
    const globs = patterns.filter(hasGlob).map((pattern) => Bytes.of(pattern));
    if (globs.length === 0) return [...result];
    for (const [name, directive] of directives) {
      if (directive.hidden || directive.fileOnly) continue;
      for (const candidate of [name, ...(directive.alias === undefined ? [] : [directive.alias])]) {
        const text = Bytes.of(candidate);
        if (globs.some((glob) => globMatch(glob, text, true)))
          result.set(candidate, this.format({ name, directive }));
      }
    }
    return [...result];
  }

  /** The value of a directive as CONFIG GET shows it. */
  formatted(name: DirectiveName): string {
    const found = findDirective(name);
    return found === undefined ? '' : this.format(found);
  }

  /**
   * CONFIG REWRITE: brings the file up to date and keeps its comments, order and unchanged lines; what is not
   * in it and not at its default is appended. With `all`, every directive is written. Throws ConfigError.
   */
  rewrite(options: { all: boolean } = { all: false }): void {
    if (this.file === undefined) throw new ConfigError('The server is running without a config file');
    try {
      const text = readIfPresent(this.file);
      replaceFile(this.file, rewriteText(text, this.stored, this.assigned, options.all));
    } catch (error) {
      throw new ConfigError(`Rewriting config file: ${systemErrorText(error)}`);
    }
  }

  /**
   * Calls `apply` when CONFIG SET gives the directive another value; `config.values` is new already. It may
   * throw ConfigError to refuse, and is called once more, the values exchanged, when a later hook refuses.
   */
  onChange<Name extends DirectiveName>(
    name: Name,
    apply: (value: Directives[Name], old: Directives[Name]) => void,
  ): void {
    this.hooks.push({ names: new Set([name]), apply });
  }

  /** Applies the present value, and each that CONFIG SET gives. */
  follow<Name extends DirectiveName>(name: Name, apply: (value: Directives[Name]) => void): void {
    apply(this.values[name]);
    this.onChange(name, apply);
  }

  /**
   * As `onChange` for directives that are applied together, such as `bind` and `port`: once for all of them.
   */
  onChangeOfAny(names: readonly DirectiveName[], apply: () => void): void {
    this.hooks.push({ names: new Set(names), apply });
  }

  /**
   * Directives without effect here that were given a value all the same, with the reason: to be logged once
   * at the start, as a warning where that is relied on.
   */
  inertInUse(): { name: string; reason: string; reliedOn: boolean }[] {
    const inUse: { name: string; reason: string; reliedOn: boolean }[] = [];
    for (const [name, { inert, reliedOn = false, kind, initial }] of directives) {
      if (inert !== undefined && kind.format(this.stored[name]) !== kind.format(initial))
        inUse.push({ name, reason: inert, reliedOn });
    }
    return inUse;
  }

  private format({ name, directive }: Found): string {
    return directive.kind.format(this.stored[name]);
  }

  /** The value after a trip through its text form, which checks and normalizes it. */
  private checked(name: string, value: unknown): unknown {
    const directive = directives.get(name);
    if (directive === undefined) throw new ConfigError(`Unknown directive '${name}'`);
    const { kind, initial } = directive;
    const [given, wanted] = [shapeOf(value), shapeOf(initial)];
    if (given !== wanted && wanted !== 'null' && given !== 'undefined')
      throw new ConfigError(`${name}: ${wanted} expected, not ${given}`);
    if (typeof value === 'number' && !Number.isInteger(value))
      throw new ConfigError(`${name}: ${value} is not a whole number`);
    if (typeof value === 'number' && Math.abs(value) > 2 ** 64)
      throw new ConfigError(`${name}: ${value} is out of range`);
    try {
      if (directive.fileOnly && Array.isArray(value))
        return value.reduce((lines: unknown, words) => kind.parse(words, lines), []);
      return kind.parse([String(kind.format(value))], kind.startFrom ?? this.stored[name]);
    } catch (error) {
      throw new ConfigError(
        `${name}: ${error instanceof ConfigError ? error.reason : 'wrong type of value'}`,
      );
    }
  }

  private loadLines(text: string, source: string, depth: number): void {
    for (const [index, raw] of text.split('\n').entries()) {
      const line = trimBlanks(raw);
      if (line === '' || line.startsWith('#')) continue;
      const position = { source, line: index + 1, text: line };
      try {
        const words = splitWords(line);
        if (words === null) throw new ConfigError('Unbalanced quotes in configuration line');
        if (words.length > 0) this.loadLine(words[0], words.slice(1), depth);
      } catch (error) {
        // What an included file says of itself is the better position.
        if (!(error instanceof ConfigError) || error.position !== undefined) throw error;
        throw new ConfigError(error.reason, position);
      }
    }
  }

  private loadLine(name: string, words: readonly string[], depth: number): void {
    const found = findDirective(name);
    if (found === undefined) {
      if (forgottenDirectives.has(name.toLowerCase()) && words.length === 1) return;
      if (name.toLowerCase() === 'sentinel')
        throw new ConfigError('sentinel directive while not in sentinel mode');
      throw new ConfigError('Bad directive or wrong number of arguments');
    }
    const { kind } = found.directive;
    const current = this.seen.has(found.name)
      ? this.stored[found.name]
      : (kind.startFrom ?? this.stored[found.name]);
    // A list may come as one word, quoted.
    const list = kind.isList === true && words.length === 1 ? splitWords(words[0]) : null;
    this.stored[found.name] = kind.parse(list ?? words, current);
    this.seen.add(found.name);
    if (found.name === 'include') this.include(pathFromConfig(words[0]), depth + 1);
  }

  private include(path: string, depth: number): void {
    if (depth > maxIncludeDepth) throw new ConfigError('Files include each other without end');
    for (const file of hasGlob(path) ? expandGlob(path) : [resolve(path)]) {
      let text: string;
      try {
        text = readFileSync(file, 'latin1');
      } catch (error) {
        throw new ConfigError(`Fatal error, can't open config file '${file}': ${systemErrorText(error)}`);
      }
      this.loadLines(text, file, depth);
    }
  }

  /** The directives of a CONFIG SET, checked for everything but their values, in Redis's order of checks. */
  private settable(targets: readonly string[], origin: SetOrigin): Found[] {
    const taken = new Set<string>();
    return targets.map((target) => {
      const found = findDirective(target);
      if (found === undefined || found.directive.fileOnly)
        throw new ConfigError(`Unknown option or number of arguments for CONFIG SET - '${target}'`);
      const refusal = this.refusal(found.directive, origin);
      if (refusal !== undefined) throw setFailed(target, refusal);
      // An alias and the name it stands for are not duplicates of each other: the last one wins.
      if (taken.has(target.toLowerCase())) throw setFailed(target, new ConfigError('duplicate parameter'));
      taken.add(target.toLowerCase());
      return found;
    });
  }

  private refusal(directive: Directive<unknown>, origin: SetOrigin): ConfigError | undefined {
    if (directive.immutable) return new ConfigError("can't set immutable config");
    if (directive.notWhileLoading && origin.loading)
      return new ConfigError('Redis is loading the dataset in memory', undefined, 'LOADING');
    const allowed = this.values['enable-protected-configs'];
    if (directive.protected && allowed !== 'yes' && !(allowed === 'local' && origin.local))
      return new ConfigError("can't set protected config");
    return undefined;
  }

  /** Calls the hooks of what has changed, in the order of CONFIG SET's arguments. */
  private applyChanges(
    found: readonly Found[],
    targets: readonly string[],
    before: ReadonlyMap<string, unknown>,
    restore: () => void,
  ): void {
    const applied: { hook: Hook; change: Change }[] = [];
    const called = new Set<Hook>();
    for (const [i, { name, directive }] of found.entries()) {
      const change = { name, old: before.get(name), value: this.stored[name] };
      const { kind } = directive;
      if (!directive.reapply && kind.format(change.old) === kind.format(change.value)) continue;
      for (const hook of this.hooks) {
        if (!hook.names.has(name) || called.has(hook)) continue;
        called.add(hook);
        try {
          hook.apply(change.value, change.old);
        } catch (error) {
          restore();
          rollBack(applied);
          throw setFailed(targets[i], error);
        }
        applied.push({ hook, change });
      }
    }
  }
}

/** Latest first. A hook that cannot go back to what worked before has nobody left to tell. */
function rollBack(applied: readonly { hook: Hook; change: Change }[]): void {
  for (const { hook, change } of applied.toReversed()) {
    try {
      hook.apply(change.old, change.value);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
    }
  }
}

function setFailed(target: string, error: unknown): unknown {
  if (!(error instanceof ConfigError)) return error;
  if (error.code === 'LOADING') return error;
  return new ConfigError(`CONFIG SET failed (possibly related to argument '${target}') - ${error.reason}`);
}

function readIfPresent(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/** A type as JavaScript has it, arrays and null told from other objects. */
function shapeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
