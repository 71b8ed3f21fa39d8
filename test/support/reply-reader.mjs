// A reader of RESP2 and RESP3 replies. The declarations beside it document it.

/** @typedef {import('./reply-reader.d.mts').Reply} Reply */

const CARRIAGE_RETURN = 13;

/** Reply types by what follows their first line: as many bytes, as many replies, nothing. */
const STRINGS = '$=!';
const AGGREGATES = '*~>%|';
const LINES = '+-:,#(_';

export class ReplyError extends Error {}

/**
 * @param {Buffer} buffer
 * @param {number} start
 * @returns {number}
 */
export function replyEnd(buffer, start) {
  let position = start;
  for (let missing = 1; missing > 0; missing--) {
    const lineEnd = buffer.indexOf('\r\n', position, 'latin1');
    if (lineEnd < 0) return -1;
    const type = String.fromCharCode(buffer[position]);
    const first = position;
    position = lineEnd + 2;
    if (STRINGS.includes(type)) {
      const length = lengthOf(buffer, first, lineEnd);
      if (length < 0) continue;
      position += length + 2;
      if (position > buffer.length) return -1;
      if (buffer[position - 2] !== CARRIAGE_RETURN) throw new ReplyError('a string without its line end');
    } else if (AGGREGATES.includes(type)) {
      const length = Math.max(0, lengthOf(buffer, first, lineEnd));
      // An attribute comes before the reply that it describes, which is then missing still.
      missing += type === '%' ? 2 * length : type === '|' ? 2 * length + 1 : length;
    } else if (!LINES.includes(type)) throw new ReplyError(`no reply type: ${JSON.stringify(type)}`);
  }
  return position;
}

/**
 * @param {Buffer} buffer
 * @param {number} first
 * @param {number} lineEnd
 */
function lengthOf(buffer, first, lineEnd) {
  const text = buffer.latin1Slice(first + 1, lineEnd);
  if (!/^(-1|\d{1,15})$/.test(text)) throw new ReplyError(`not a length: ${JSON.stringify(text)}`);
  return Number(text);
}

/**
 * @param {Buffer} buffer
 * @param {number} [start]
 * @returns {Reply}
 */
export function parseReply(buffer, start = 0) {
  return new Cursor(buffer, start).read();
}

/** A position in the bytes of complete replies. */
class Cursor {
  /**
   * @param {Buffer} buffer
   * @param {number} position
   */
  constructor(buffer, position) {
    this.buffer = buffer;
    this.position = position;
  }

  /** @returns {Reply} */
  read() {
    const type = String.fromCharCode(this.buffer[this.position]);
    const lineEnd = this.buffer.indexOf('\r\n', this.position, 'latin1');
    if (lineEnd < 0) throw new ReplyError('the reply is not complete');
    const line = this.buffer.latin1Slice(this.position + 1, lineEnd);
    this.position = lineEnd + 2;
    switch (type) {
      case '+':
        return { type: 'simple', value: line };
      case '-':
        return { type: 'error', value: line };
      case ':':
        return { type: 'integer', value: exact(line) };
      case '(':
        return { type: 'bignumber', value: exact(line) };
      case ',':
        return { type: 'double', value: line };
      case '#':
        return { type: 'boolean', value: line === 't' };
      case '_':
        return { type: 'null', value: null };
      case '$':
        return line === '-1'
          ? { type: 'null-bulk', value: null }
          : { type: 'bulk', value: this.#bytes(line) };
      case '!':
        return { type: 'error', value: this.#bytes(line) };
      case '=':
        return { type: 'verbatim', value: this.#bytes(line) };
      case '*':
        return line === '-1'
          ? { type: 'null-array', value: null }
          : { type: 'array', value: this.#list(line) };
      case '~':
        return { type: 'set', value: this.#list(line) };
      case '>':
        return { type: 'push', value: this.#list(line) };
      case '%':
        return { type: 'map', value: this.#pairs(line) };
      case '|':
        return { type: 'attribute', value: this.#pairs(line) };
      default:
        throw new ReplyError(`no reply type: ${JSON.stringify(type)}`);
    }
  }

  /** @param {string} length */
  #bytes(length) {
    const end = this.position + Number(length);
    const text = this.buffer.latin1Slice(this.position, end);
    this.position = end + 2;
    return text;
  }

  /** @param {string} length */
  #list(length) {
    return Array.from({ length: Number(length) }, () => this.read());
  }

  /**
   * @param {string} length
   * @returns {[Reply, Reply][]}
   */
  #pairs(length) {
    return Array.from({ length: Number(length) }, () => [this.read(), this.read()]);
  }
}

/**
 * @param {string} text
 * @returns {number | bigint}
 */
function exact(text) {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

export class ReplyReader {
  /** @type {Buffer} */
  #bytes = Buffer.alloc(0);

  /**
   * @param {Buffer} chunk
   * @returns {Buffer[]}
   */
  push(chunk) {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const replies = [];
    let start = 0;
    while (start < this.#bytes.length) {
      const end = replyEnd(this.#bytes, start);
      if (end < 0) break;
      replies.push(this.#bytes.subarray(start, end));
      start = end;
    }
    this.#bytes = this.#bytes.subarray(start);
    return replies;
  }

  get pending() {
    return this.#bytes.length;
  }
}

/**
 * @param {Reply} reply
 * @returns {unknown}
 */
export function plain(reply) {
  switch (reply.type) {
    case 'error':
      return new Error(reply.value);
    case 'double':
      return Number(reply.value.replace(/^(-?)inf$/, '$1Infinity'));
    case 'array':
    case 'set':
    case 'push':
      return reply.value.map(plain);
    case 'map':
    case 'attribute':
      return new Map(reply.value.map(([key, value]) => [plain(key), plain(value)]));
    default:
      return reply.value;
  }
}
