/**
 * Command syntax lines, such as `key value [NX | XX] [GET] [EX seconds | PX milliseconds]`, as trees.
 *
 *   choices  := argument { argument } { '|' argument { argument } }
 *   argument := ( '[' choices ']' | '<' choices '>' | word ) [ '...' ]
 *   word     := TOKEN | name
 *
 * `[ ]` is optional, `< >` is not. What stands after a `TOKEN` is its value: `LIMIT offset count` is one
 * argument with a token. Repetition is written as people write it, `key [key ...]` or `[GET pattern [GET
 * pattern ...]]`: a bracket that ends in dots and repeats the words before it; or with dots behind a bracket,
 * where one may be left out whole: `<A | B> ...`. The type follows from the name (see `typesByName`) unless
 * the declaration says otherwise.
 */
export type ArgumentType =
  | 'string'
  | 'integer'
  | 'double'
  | 'key'
  | 'pattern'
  | 'unix-time'
  | 'pure-token'
  | 'oneof'
  | 'block';

export interface Argument {
  name: string;
  type: ArgumentType;
  token?: string;
  optional: boolean;
  multiple: boolean;
  /** The token itself is repeated with each occurrence. */
  multipleToken: boolean;
  arguments?: Argument[];
}

/** Types of arguments by the names that are used for them. All others are strings. */
const typesByName: Partial<Record<ArgumentType, string>> = {
  key: 'key newkey source destination destkey sourcekey key1 key2',
  pattern: 'pattern',
  'unix-time': 'unix-time-seconds unix-time-milliseconds',
  integer:
    'seconds milliseconds increment decrement offset count start end stop bit index index1 index2 db destination-db ' +
    'protover cursor min-match-len len port client-id numkeys numfields numreplicas numlocal rank num-matches maxage version ' +
    'entries-read slot start-slot end-slot',
  double: 'timeout radius width height longitude latitude weight',
};

const typeOf = new Map<string, ArgumentType>(
  Object.entries(typesByName).flatMap(([type, names]) =>
    names.split(' ').map((name): [string, ArgumentType] => [name, type as ArgumentType]),
  ),
);

/** Types of some names, for a line where they differ from the usual ones. */
export type ArgumentTypes = Readonly<Record<string, ArgumentType>>;

/** Parses a syntax line. Throws Error for a malformed one: that is a mistake in a command's declaration. */
export function parseSyntax(line: string, types: ArgumentTypes = {}): Argument[] {
  const words = line.match(/\[|\]|<|>|\||\.\.\.|[^\s[\]<>|]+/g) ?? [];
  const { choices, at } = new SyntaxParser(words, types, line).choices(0);
  if (at < words.length) throw new Error(`unexpected '${words[at]}' in syntax line: ${line}`);
  if (choices.length > 1) return [group(choices)];
  return choices[0];
}

/** An argument and where its words begin. */
interface Placed {
  from: number;
  argument: Argument;
}

class SyntaxParser {
  constructor(
    private readonly words: string[],
    private readonly types: ArgumentTypes,
    private readonly line: string,
  ) {}

  /** Reads alternatives up to a closing bracket or the end. */
  choices(start: number): { choices: Argument[][]; at: number } {
    const { words } = this;
    const before: Argument[][] = [];
    let current: Placed[] = [];
    let at = start;
    while (at < words.length && words[at] !== ']' && words[at] !== '>') {
      if (words[at] === '|') {
        before.push(joinTokens(current));
        current = [];
        at++;
        continue;
      }
      const repeated = this.repetition(at);
      if (repeated === start && before.length > 0) {
        const all = group([...before, joinTokens(current)]);
        return { choices: [[{ ...all, multiple: true }]], at: this.closing(at) + 1 };
      }
      if (repeated !== undefined) {
        current = repeat(current, repeated, this.line);
        at = this.closing(at) + 1;
        continue;
      }
      const next = this.argument(at);
      current.push({ from: at, argument: next.argument });
      at = next.at;
    }
    return { choices: [...before, joinTokens(current)], at };
  }

  private argument(start: number): { argument: Argument; at: number } {
    const word = this.words[start];
    if (word === '...') throw new Error(`misplaced dots in syntax line: ${this.line}`);
    const bracket = word === '[' || word === '<';
    const { argument, at } = bracket ? this.bracket(start) : { argument: this.word(word), at: start + 1 };
    if (this.words[at] !== '...') return { argument, at };
    return {
      argument: { ...argument, multiple: true, multipleToken: argument.token !== undefined },
      at: at + 1,
    };
  }

  private bracket(start: number): { argument: Argument; at: number } {
    const { choices, at } = this.choices(start + 1);
    const optional = this.words[start] === '[';
    if (this.words[at] !== (optional ? ']' : '>')) throw new Error(`unbalanced syntax line: ${this.line}`);
    return { argument: { ...group(choices), optional }, at: at + 1 };
  }

  private word(word: string): Argument {
    if (!/[a-z]/.test(word)) return { ...plain(word.toLowerCase(), 'pure-token'), token: word };
    return plain(word, this.types[word] ?? typeOf.get(word) ?? 'string');
  }

  /** If the bracket at `open` repeats the words before it: where those begin. */
  private repetition(open: number): number | undefined {
    const { words } = this;
    if (words[open] !== '[') return undefined;
    const close = this.closing(open);
    if (words[close - 1] !== '...') return undefined;
    const length = close - open - 2;
    const from = open - length;
    if (from < 0) return undefined;
    for (let i = 0; i < length; i++) if (words[from + i] !== words[open + 1 + i]) return undefined;
    return from;
  }

  /** Position of the bracket that closes the one at `open`. */
  private closing(open: number): number {
    let depth = 0;
    for (let at = open; at < this.words.length; at++) {
      if (this.words[at] === '[' || this.words[at] === '<') depth++;
      else if ((this.words[at] === ']' || this.words[at] === '>') && --depth === 0) return at;
    }
    throw new Error(`unbalanced syntax line: ${this.line}`);
  }
}

function plain(name: string, type: ArgumentType): Argument {
  return { name, type, optional: false, multiple: false, multipleToken: false };
}

/** Makes one repeated argument of those from word `from` on. */
function repeat(list: Placed[], from: number, line: string): Placed[] {
  const first = list.findIndex((placed) => placed.from === from);
  if (first < 0) throw new Error(`unclear repetition in syntax line: ${line}`);
  const inner = joinTokens(list.slice(first));
  const whole = inner.length === 1 ? inner[0] : block(inner);
  const argument = { ...whole, multiple: true, multipleToken: whole.token !== undefined };
  return [...list.slice(0, first), { from, argument }];
}

/**
 * A token takes what follows it as its value: the one next argument, or all the rest if that is all plain.
 */
function joinTokens(list: Placed[]): Argument[] {
  const values = list.map((placed) => placed.argument);
  if (values.length > 2 && isLoneToken(values[0]) && values.slice(1).every(isPlain)) {
    const { name, token } = values[0];
    return [{ ...plain(name, 'block'), token, arguments: values.slice(1) }];
  }
  const joined: Argument[] = [];
  for (const next of values) {
    const last = joined.at(-1);
    if (last !== undefined && isLoneToken(last) && next.token === undefined && !next.optional) {
      joined[joined.length - 1] = { ...next, token: last.token };
    } else {
      joined.push(next);
    }
  }
  return joined;
}

function isLoneToken(argument: Argument): boolean {
  return argument.type === 'pure-token' && !argument.optional && !argument.multiple;
}

function isPlain(argument: Argument): boolean {
  return argument.token === undefined && !argument.optional && !argument.multiple && !argument.arguments;
}

function group(choices: Argument[][]): Argument {
  const members = choices.map((list) => (list.length === 1 ? list[0] : block(list)));
  if (members.length === 1) return { ...members[0] };
  return { ...plain(nameOf(members), 'oneof'), arguments: members };
}

function block(list: Argument[]): Argument {
  return { ...plain(nameOf(list), 'block'), arguments: list };
}

/** Names of groups that are usual, by their members. */
const usualNames: [members: RegExp, name: string][] = [
  [/^(nx|xx|gt|lt|-)+$/, 'condition'],
  [/^seconds-milliseconds\b/, 'expiration'],
  [/^on-off$/, 'enabled'],
  [/^byte-bit$/, 'unit'],
  [/^start-end\b/, 'range'],
  [/^end-/, 'end-unit-block'],
  [/^(key|field|parameter|member)-value$/, 'data'],
  [/^(async-sync|sync-async)$/, 'flush-type'],
  [/^asc-desc$/, 'order'],
  [/^byscore-bylex$/, 'sortby'],
  [/^m-km-ft-mi$/, 'unit'],
  [/^min-max$/, 'where'],
  [/^sum-min-max$/, 'aggregate'],
];
/** Longer names are cut to that of the first member. */
const maxGroupName = 32;

function nameOf(members: Argument[]): string {
  const joined = members.map((member) => member.name).join('-');
  const usual = usualNames.find(([pattern]) => pattern.test(joined));
  if (usual !== undefined) return usual[1];
  return joined.length > maxGroupName ? `${members[0].name}-etc` : joined;
}

/** Fewest words that the arguments take. */
function fewest(argument: Argument): number {
  if (argument.optional) return 0;
  if (argument.type === 'pure-token') return 1;
  const token = argument.token === undefined ? 0 : 1;
  if (argument.type === 'oneof') return token + Math.min(...argument.arguments!.map(fewest));
  if (argument.type === 'block')
    return token + argument.arguments!.reduce((sum, member) => sum + fewest(member), 0);
  return token + 1;
}

function isVariable(argument: Argument): boolean {
  if (argument.optional || argument.multiple) return true;
  if (argument.type === 'oneof') {
    const sizes = argument.arguments!.map(fewest);
    return argument.arguments!.some(isVariable) || sizes.some((size) => size !== sizes[0]);
  }
  return argument.arguments?.some(isVariable) ?? false;
}

/**
 * Number of words of a command as COMMAND INFO counts them: its name (and subcommand) included, negative for
 * "at least".
 */
export function arityOf(syntax: Argument[], nameWords: number): number {
  const least = nameWords + syntax.reduce((sum, argument) => sum + fewest(argument), 0);
  return syntax.some(isVariable) ? -least : least;
}
