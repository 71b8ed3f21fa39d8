/** What a value in RESP begins with, by its type. */
export const simpleMark = 0x2b; // +
export const errorMark = 0x2d; // -
export const integerMark = 0x3a; // :
export const bulkMark = 0x24; // $
export const arrayMark = 0x2a; // *
export const mapMark = 0x25; // %
export const setMark = 0x7e; // ~
export const nullMark = 0x5f; // _
export const booleanMark = 0x23; // #
export const doubleMark = 0x2c; // ,
export const bigNumberMark = 0x28; // (
export const verbatimMark = 0x3d; // =
export const attributeMark = 0x7c; // |
export const pushMark = 0x3e; // >

/** What ends each line: both. */
export const carriageReturn = 0x0d;
export const lineFeed = 0x0a;

/** In front of the digits of a number below zero. */
export const minus = 0x2d;
/** The digit 0; the others follow it. */
export const zero = 0x30;
