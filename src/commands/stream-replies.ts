import { Bytes, copyBytes } from '../bytes/bytes.js';
import { elementLength, readElement } from '../memory/listpack-format.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import { arrayMark, bulkMark, carriageReturn, lineFeed } from '../protocol/resp-bytes.js';
import type { StreamCursor } from '../values/stream-cursor.js';
import { MAX_ID_LENGTH, type StreamId } from '../values/stream-id.js';

/**
 * Replies with IDs and entries. Hot: XRANGE of a hundred entries is a thousand small parts, so they are written
 * straight into the reply's chunk, and the names of fields, which most entries of a node share, are encoded once for
 * a node.
 */

/** Room for an entry's headers and ID, and for the header and the end of a string. */
const headRoom = 96;
const stringRoom = 24;
/** Longer ones go the usual way. */
const longText = 2048;

const idText = Buffer.alloc(MAX_ID_LENGTH);
const view = new Bytes();

export function replyId(reply: ReplyWriter, id: StreamId): void {
  reply.bulk(idText, 0, id.write(idText, 0));
}

/** The encoded names of the master entry's fields: their bytes, and where each of them ends. */
const names = { visit: -1, text: Buffer.alloc(1024), ends: new Int32Array(32), fit: false };

/** Replies with the cursor's entry: its ID, and its fields and values. Reads all of them. */
export function replyEntry(reply: ReplyWriter, cursor: StreamCursor): void {
  const { fields, buffer } = cursor;
  let chunk = reply.direct(headRoom);
  if (chunk === undefined) return;
  const same = cursor.hasSameFields;
  if (same && names.visit !== cursor.visit) encodeNames(cursor);
  const usesNames = same && names.fit;
  let end = writeHead(chunk, reply.place, cursor.id, fields * 2);
  let at = cursor.valuesAt;
  let nameAt = cursor.masterFieldsAt;
  let from = 0;
  for (let i = 0; i < fields; i++) {
    if (usesNames) {
      const to = names.ends[i];
      if (end + to - from > chunk.length) {
        reply.wrote(end);
        chunk = reply.direct(to - from)!;
        end = reply.place;
      }
      copyBytes(chunk, end, names.text, from, to);
      end += to - from;
      from = to;
    } else {
      readElement(buffer, same ? nameAt : at, view);
      if (same) nameAt += elementLength(buffer, nameAt);
      else at += elementLength(buffer, at);
      if (end + view.end - view.start + stringRoom > chunk.length) {
        reply.wrote(end);
        reply.bytes(view);
        chunk = reply.direct(stringRoom)!;
        end = reply.place;
      } else end = writeBulk(chunk, end, view);
    }
    readElement(buffer, at, view);
    at += elementLength(buffer, at);
    if (view.end - view.start > longText || end + view.end - view.start + stringRoom > chunk.length) {
      reply.wrote(end);
      reply.bytes(view);
      chunk = reply.direct(stringRoom)!;
      end = reply.place;
    } else end = writeBulk(chunk, end, view);
  }
  reply.wrote(end);
  cursor.passed(at);
}

/** `*2`, the ID, and `*` with the number of fields and values. */
function writeHead(chunk: Buffer, at: number, id: StreamId, words: number): number {
  chunk[at] = arrayMark;
  chunk[at + 1] = 0x32;
  chunk[at + 2] = carriageReturn;
  chunk[at + 3] = lineFeed;
  chunk[at + 4] = bulkMark;
  // An ID of today has 15 characters or some more: two digits tell how many.
  const end = id.write(chunk, at + 9);
  const length = end - at - 9;
  at += 5;
  if (length < 10) {
    chunk[at++] = 0x30 + length;
    chunk[at++] = carriageReturn;
    chunk[at++] = lineFeed;
    chunk.copyWithin(at, at + 1, end);
    at += length;
  } else {
    const tens = (length / 10) | 0;
    chunk[at] = 0x30 + tens;
    chunk[at + 1] = 0x30 + length - tens * 10;
    chunk[at + 2] = carriageReturn;
    chunk[at + 3] = lineFeed;
    at = end;
  }
  chunk[at] = carriageReturn;
  chunk[at + 1] = lineFeed;
  chunk[at + 2] = arrayMark;
  return writeLength(chunk, at + 3, words);
}

function writeBulk(chunk: Buffer, at: number, { buffer, start, end }: Bytes): number {
  chunk[at] = bulkMark;
  at = writeLength(chunk, at + 1, end - start);
  copyBytes(chunk, at, buffer, start, end);
  at += end - start;
  chunk[at] = carriageReturn;
  chunk[at + 1] = lineFeed;
  return at + 2;
}

/** Digits and the line's end. */
function writeLength(chunk: Buffer, at: number, n: number): number {
  if (n < 10) chunk[at++] = 0x30 + n;
  else if (n < 100) {
    const tens = (n / 10) | 0;
    chunk[at] = 0x30 + tens;
    chunk[at + 1] = 0x30 + n - tens * 10;
    at += 2;
  } else at += chunk.write(String(n), at, 'latin1');
  chunk[at] = carriageReturn;
  chunk[at + 1] = lineFeed;
  return at + 2;
}

/** Encodes the names of the fields of the cursor's node, if they are not too long or too many. */
function encodeNames(cursor: StreamCursor): void {
  const { text, ends } = names;
  names.visit = cursor.visit;
  names.fit = false;
  if (cursor.masterFields > ends.length) return;
  let at = cursor.masterFieldsAt;
  let end = 0;
  for (let i = 0; i < cursor.masterFields; i++) {
    readElement(cursor.buffer, at, view);
    at += elementLength(cursor.buffer, at);
    if (end + view.end - view.start + stringRoom > text.length) return;
    end = writeBulk(text, end, view);
    ends[i] = end;
  }
  names.fit = true;
}
