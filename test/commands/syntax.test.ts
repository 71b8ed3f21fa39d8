import { describe, expect, it } from 'vitest';
import { type Argument, type ArgumentTypes, arityOf, parseSyntax } from '../../src/commands/syntax.js';

/**
 * A tree in one line: `TOKEN=name:type` with ? for optional, + for multiple, ++ if the token is repeated too.
 */
function show(list: Argument[]): string {
  return list.map(showOne).join(' ');
}

function showOne(argument: Argument): string {
  const token = argument.token === undefined ? '' : `${argument.token}=`;
  const marks = `${argument.optional ? '?' : ''}${argument.multiple ? '+' : ''}${argument.multipleToken ? '+' : ''}`;
  const members = argument.arguments;
  if (argument.type === 'pure-token') return `${argument.token}${marks}`;
  if (members === undefined) return `${token}${argument.name}:${argument.type}${marks}`;
  const inner = members.map(showOne).join(argument.type === 'oneof' ? ' | ' : ' ');
  return `${token}${argument.type === 'oneof' ? `<${inner}>` : `(${inner})`}${marks}`;
}

function shown(line: string, types?: ArgumentTypes): string {
  return show(parseSyntax(line, types));
}

describe('parseSyntax', () => {
  it.each([
    ['', ''],
    ['key', 'key:key'],
    ['key value', 'key:key value:string'],
    ['key [key ...]', 'key:key+'],
    ['[message]', 'message:string?'],
    ['[parameter [parameter ...]]', 'parameter:string?+'],
    ['key value [key value ...]', '(key:key value:string)+'],
    ['key field value [field value ...]', 'key:key (field:string value:string)+'],
    ['numkeys key [key ...]', 'numkeys:integer key:key+'],
    ['[LIMIT offset count]', 'LIMIT=(offset:integer count:integer)?'],
    ['[COUNT count [ANY]]', '(COUNT=count:integer ANY?)?'],
    ['[WEIGHTS weight [weight ...]]', 'WEIGHTS=weight:double?+'],
    ['[GET pattern [GET pattern ...]]', 'GET=pattern:pattern?++'],
    ['<MIN | MAX>', '<MIN | MAX>'],
    ['[TYPE <NORMAL | MASTER>]', 'TYPE=<NORMAL | MASTER>?'],
    ['[ID client-id [client-id ...]]', 'ID=client-id:integer?+'],
    ['key [start end [BYTE | BIT]]', 'key:key (start:integer end:integer <BYTE | BIT>?)?'],
    [
      'key bit [start [end [BYTE | BIT]]]',
      'key:key bit:integer (start:integer (end:integer <BYTE | BIT>?)?)?',
    ],
    [
      'key value [NX | XX] [GET] [EX seconds | PX milliseconds | KEEPTTL]',
      'key:key value:string <NX | XX>? GET? <EX=seconds:integer | PX=milliseconds:integer | KEEPTTL>?',
    ],
    [
      '[protover [AUTH username password] [SETNAME clientname]]',
      '(protover:integer AUTH=(username:string password:string)? SETNAME=clientname:string?)?',
    ],
    [
      'key [GET encoding offset | [OVERFLOW <WRAP | SAT>] <SET encoding offset value> [GET encoding offset | [OVERFLOW <WRAP | SAT>] <SET encoding offset value> ...]]',
      'key:key <GET=(encoding:string offset:integer) | (OVERFLOW=<WRAP | SAT>? SET=(encoding:string offset:integer value:string))>?+',
    ],
    ['[a b ...]', '(a:string b:string+)?'],
    ['<a | <B b | C> ...>', '<a:string | <B=b:string | C>+>'],
    [
      'key [NOMKSTREAM] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]',
      'key:key NOMKSTREAM? (<MAXLEN | MINID> <= | ~>? threshold:string LIMIT=count:integer?)? <* | id:string> (field:string value:string)+',
    ],
  ])('%s', (line, tree) => {
    expect(shown(line)).toBe(tree);
  });

  it('takes types that differ from the usual ones', () => {
    expect(shown('key increment', { increment: 'double' })).toBe('key:key increment:double');
  });

  it.each(['[key', 'key]', '<a | b]', 'key [value ...', '... key'])('refuses %s', (line) => {
    expect(() => parseSyntax(line)).toThrow(/syntax line/);
  });
});

describe('arityOf', () => {
  it.each([
    ['', 1, 1],
    ['key', 1, 2],
    ['key [key ...]', 1, -2],
    ['key value [key value ...]', 1, -3],
    ['[message]', 1, -1],
    ['[username] password', 1, -2],
    ['<ON | OFF>', 2, 3],
    ['<ip:port | <[ID client-id] | [ADDR ip:port]> ...>', 2, -2],
    ['<LIB-NAME libname | LIB-VER libver>', 2, 4],
    ['numkeys key [key ...] <LEFT | RIGHT> [COUNT count]', 1, -4],
    ['<AND | OR | XOR | NOT> destkey key [key ...]', 1, -4],
  ])('%s with %i words before it: %i', (line, words, arity) => {
    expect(arityOf(parseSyntax(line), words)).toBe(arity);
  });
});
