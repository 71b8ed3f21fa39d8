/**
 * Assembles functions for WebAssembly. Each function here makes the bytes of one instruction with its operands in front
 * of it, so that code reads as an expression: `store32(frame, 4, add(get(count), i32(1)))`.
 *
 * Source of the encodings: WebAssembly specification 2.0, chapter 5, and the exception handling proposal (the variant
 * that engines have had since 2021).
 */
export type Code = readonly number[];

/** Types of values. */
export const ValueType = { i32: 0x7f, i64: 0x7e, f64: 0x7c } as const;

const noResult = 0x40;

/** An unsigned number of variable length (LEB128). */
export function unsigned(n: number): number[] {
  const bytes: number[] = [];
  let rest = n >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return bytes;
}

/** A signed number of variable length. */
export function signed(n: number): number[] {
  const bytes: number[] = [];
  let rest = n | 0;
  while (rest < -0x40 || rest > 0x3f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  bytes.push(rest & 0x7f);
  return bytes;
}

// Constants and variables

export const i32 = (n: number): Code => [0x41, ...signed(n)];
export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];
export const getGlobal = (global: number): Code => [0x23, ...unsigned(global)];
export const setGlobal = (global: number, value: Code): Code => [...value, 0x24, ...unsigned(global)];

// Memory: the address, a constant offset from there

export const load8 = (address: Code, offset: number): Code => [...address, 0x2d, 0, ...unsigned(offset)];
export const load32 = (address: Code, offset: number): Code => [...address, 0x28, 2, ...unsigned(offset)];
export const load64 = (address: Code, offset: number): Code => [...address, 0x29, 3, ...unsigned(offset)];
export const store8 = (address: Code, offset: number, value: Code): Code => [
  ...address,
  ...value,
  0x3a,
  0,
  ...unsigned(offset),
];
export const store32 = (address: Code, offset: number, value: Code): Code => [
  ...address,
  ...value,
  0x36,
  2,
  ...unsigned(offset),
];
export const store64 = (address: Code, offset: number, value: Code): Code => [
  ...address,
  ...value,
  0x37,
  3,
  ...unsigned(offset),
];

// Arithmetic and comparison of 32-bit integers

const binary =
  (opcode: number) =>
  (a: Code, b: Code): Code => [...a, ...b, opcode];
export const add = binary(0x6a);
export const subtract = binary(0x6b);
export const and = binary(0x71);
export const or = binary(0x72);
export const shiftLeft = binary(0x74);
export const shiftRight = binary(0x76);
export const equal = binary(0x46);
export const notEqual = binary(0x47);
export const lessUnsigned = binary(0x49);
export const less = binary(0x48);
export const not = (value: Code): Code => [...value, 0x45];

// Numbers

export const loadDouble = (address: Code, offset: number): Code => [...address, 0x2b, 3, ...unsigned(offset)];
export const lessDouble = binary(0x63);
export const minimum = binary(0xa4);
export const maximum = binary(0xa5);
export const absolute = (value: Code): Code => [...value, 0x99];
export const double = (n: number): Code => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(n);
  return [0x44, ...bytes];
};
/** The whole part of a number that 32 bits can hold, and of one that 64 can. */
export const toInt32 = (value: Code): Code => [...value, 0xaa];
export const toInt64 = (value: Code): Code => [...value, 0xb0];
/** The lower half of an integer of 64 bits. */
export const lowerHalf = (value: Code): Code => [...value, 0xa7];

// Control

export const call = (f: number, ...args: Code[]): Code => [...args.flat(), 0x10, ...unsigned(f)];
export const callIndirect = (type: number, slot: Code, ...args: Code[]): Code => [
  ...args.flat(),
  ...slot,
  0x11,
  ...unsigned(type),
  0,
];
export const drop = (value: Code): Code => [...value, 0x1a];
export const result = (value: Code): Code => [...value, 0x0f];
/** Runs the code if the condition is not 0. */
export const when = (condition: Code, ...then: Code[]): Code => [
  ...condition,
  0x04,
  noResult,
  ...then.flat(),
  0x0b,
];
/** A value of 32 bits: one of two. */
export const choose = (condition: Code, then: Code, otherwise: Code): Code => [
  ...condition,
  0x04,
  ValueType.i32,
  ...then,
  0x05,
  ...otherwise,
  0x0b,
];
/** Repeats the code while the condition is not 0. */
export const loopWhile = (condition: Code, ...body: Code[]): Code => [
  0x02,
  noResult,
  0x03,
  noResult,
  ...not(condition),
  0x0d,
  1, // leaves the block
  ...body.flat(),
  0x0c,
  0, // begins the loop anew
  0x0b,
  0x0b,
];
export const throwTag = (tag: number, ...values: Code[]): Code => [...values.flat(), 0x08, ...unsigned(tag)];
/** Runs the code; if it throws the tag, whose one value goes to the local, the handler runs. */
export const tryCatch = (code: Code, tag: number, local: number, handler: Code): Code => [
  0x06,
  noResult,
  ...code,
  0x07,
  ...unsigned(tag),
  0x21,
  ...unsigned(local),
  ...handler,
  0x0b,
];
/** In a handler of `tryCatch`, under so many `when`s and the like: throws again what was caught. */
export const rethrow = (depth: number): Code => [0x09, ...unsigned(depth)];
