/**
 * Where instructions begin in the code of a function, for functions of WebAssembly 1.0 with its bulk memory operations.
 *
 * Source: WebAssembly specification 2.0, chapter 5.4.
 */

export const Opcode = { loop: 0x03, call: 0x10 } as const;

/** Puts something in the place of each instruction with the opcode, of which the function is told the bytes. */
export function replaceInstructions(
  code: Uint8Array,
  opcode: number,
  replace: (instruction: Uint8Array) => Uint8Array,
): Uint8Array {
  const parts: Uint8Array[] = [];
  let copied = 0;
  for (let at = 0; at < code.length; ) {
    const next = nextInstruction(code, at);
    if (code[at] === opcode) {
      parts.push(code.subarray(copied, at), replace(code.subarray(at, next)));
      copied = next;
    }
    at = next;
  }
  return Buffer.concat([...parts, code.subarray(copied)]);
}

function nextInstruction(code: Uint8Array, at: number): number {
  const opcode = code[at];
  switch (opcode) {
    case 0x0e:
      return afterNumbers(code, at + 1, 2 + leading(code, at + 1)); // br_table: a list and one more
    case 0x11: // call_indirect
      return afterNumbers(code, at + 1, 2);
    case 0x43: // f32.const
      return at + 5;
    case 0x44: // f64.const
      return at + 9;
    case 0xfc:
      return afterNumbers(code, at + 1, 1 + operandsOfExtended(leading(code, at + 1)));
  }
  return afterNumbers(code, at + 1, operands(opcode));
}

/** Numbers of variable length that follow an opcode. */
function operands(opcode: number): number {
  if (opcode >= 0x28 && opcode <= 0x3e) return 2; // memory: alignment and offset
  const one =
    (opcode >= 0x02 && opcode <= 0x04) || // blocks
    opcode === 0x0c || // br
    opcode === 0x0d || // br_if
    opcode === 0x10 || // call
    (opcode >= 0x20 && opcode <= 0x26) || // variables and tables
    (opcode >= 0x3f && opcode <= 0x42); // memory.size, memory.grow, constants
  return one ? 1 : 0;
}

/** Of the opcodes behind 0xfc: conversions have none, memory.copy two, memory.fill one. */
function operandsOfExtended(opcode: number): number {
  if (opcode < 8) return 0;
  return opcode === 8 || opcode === 10 ? 2 : 1;
}

/** The unsigned number that stands there; those that matter here are small. */
function leading(code: Uint8Array, at: number): number {
  let n = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = code[at++];
    n |= (byte & 0x7f) << shift;
    if (byte < 0x80) return n;
  }
}

function afterNumbers(code: Uint8Array, at: number, count: number): number {
  let end = at;
  for (let i = 0; i < count; i++) {
    while (code[end] >= 0x80) end++;
    end++;
  }
  return end;
}
