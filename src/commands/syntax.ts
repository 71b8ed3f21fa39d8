/**
 * Command syntax lines, such as `key value [NX | XX] [GET] [EX seconds | PX milliseconds]`, as trees.
 *
 *   line     := { argument }
 *   argument := ( '[' choice ']' | '<' choice '>' | word ) [ '...' ]
 *   choice   := { argument } { '|' { argument } }
 *   word     := TOKEN | name
 *
 * Upper-case words are literal tokens; a token is joined with the one argument that follows it in its group.
 * The names tell the type: `key`, `source`, `destination` ... are keys, `pattern` a pattern, `seconds` a number.
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

const keyNames = new Set(['key', 'newkey', 'source', 'destination', 'destkey', 'key1', 'key2', 'numkey']);
const integerNames = new Set([
  'seconds',
  'milliseconds',
  'increment-integer',
  'decrement',
  'offset',
  'count',
  'start',
  'end',
  'stop',
  'bit',
  'value-bit',
  'index',
  'index1',
  'index2',
  'db',
  'destination-db',
  'protover',
  'cursor',
  'min-match-len',
  'port',
  'client-id',
  'numkeys',
  'timeout-ms',
  'len',
  'numreplicas',
  'increment-int',
  'rank',
  'maxlen',
  'limit',
  'element-count',
  'maxage',
  'version',
  'numlocal',
]);
const doubleNames = new Set([
  'increment-float',
  'timeout',
  'min-score',
  'max-score',
  'score',
  'radius',
  'width',
  'height',
  'longitude',
  'latitude',
  'weight',
]);
const unixTimeNames = new Set(['unix-time-seconds', 'unix-time-milliseconds']);

function typeOf(name: string): ArgumentType {
  if (keyNames.has(name)) return 'key';
  if (name === 'pattern') return 'pattern';
  if (unixTimeNames.has(name)) return 'unix-time';
  if (integerNames.has(name)) return 'integer';
  if (doubleNames.has(name)) return 'double';
  return 'string';
}

/** Parses a syntax line. Throws Error for a malformed one: that is a mistake in a command's declaration. */
export function parseSyntax(line: string): Argument[] {
  const words = line.match(/\[|\]|<|>|\||\.\.\.|[^\s[\]<>|]+/g) ?? [];
  let at = 0;

  function sequence(closer: string | undefined): Argument[][] {
    const choices: Argument[][] = [[]];
    for (;;) {
      const word = words[at];
      if (word === closer) {
        at++;
        return choices.map(joinTokens);
      }
      if (word === undefined) throw new Error(`unbalanced '${closer}' in syntax line: ${line}`);
      if (word === '|') {
        at++;
        choices.push([]);
      } else {
        choices[choices.length - 1].push(argument());
      }
    }
  }

  function argument(): Argument {
    const word = words[at++];
    let parsed: Argument;
    if (word === '[' || word === '<') {
      const choices = sequence(word === '[' ? ']' : '>');
      parsed = group(choices);
      parsed.optional = word === '[';
    } else if (/^[^a-z]+$/.test(word) && /[A-Z*=~$]/.test(word)) {
      parsed = { ...plain(word.toLowerCase(), 'pure-token'), token: word };
    } else {
      parsed = plain(word, typeOf(word));
    }
    if (words[at] === '...') {
      at++;
      // `[key value ...]`: the dots inside a group repeat the group, so the parser sees them on its last argument.
      parsed.multiple = true;
    }
    return parsed;
  }

  return sequence(undefined)[0];
}

function plain(name: string, type: ArgumentType): Argument {
  return { name, type, optional: false, multiple: false, multipleToken: false };
}

/** `TOKEN name` is one argument with a token. */
function joinTokens(list: Argument[]): Argument[] {
  const joined: Argument[] = [];
  for (const next of list) {
    const last = joined[joined.length - 1];
    const joinable =
      last?.type === 'pure-token' && !last.optional && !last.multiple && next.type !== 'pure-token';
    if (
      joinable &&
      next.token === undefined &&
      !next.optional &&
      list.indexOf(next) === list.indexOf(last) + 1
    ) {
      joined.pop();
      joined.push({ ...next, token: last.token });
    } else {
      joined.push(next);
    }
  }
  return joined;
}

function group(choices: Argument[][]): Argument {
  const members = choices.map((list) => (list.length === 1 ? list[0] : block(list)));
  if (members.length === 1) return { ...members[0] };
  return { ...plain(members.map((m) => m.name).join('-'), 'oneof'), arguments: members };
}

function block(list: Argument[]): Argument {
  const last = list[list.length - 1];
  const repeated = last?.multiple && last.type !== 'block' && list.length > 1 && !last.token;
  const members = repeated ? [...list.slice(0, -1), { ...last, multiple: false }] : list;
  return {
    ...plain(list.map((m) => m.name).join('-'), 'block'),
    multiple: repeated === true,
    arguments: members,
  };
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
