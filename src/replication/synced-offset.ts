import type { AppendOnlyApi } from '../commands/server-api.js';

/** Most places that are remembered. */
const mostMarks = 1000;

interface Mark {
  /** Of the append-only file. */
  position: number;
  /** Of the stream. */
  offset: number;
}

/** How much of the stream a replica has on its disk: which place of the stream was at which place of its file. */
export class SyncedOffset {
  private readonly marks: Mark[] = [];
  private synced = -1;

  constructor(private readonly file: AppendOnlyApi) {}

  /** What the file has gathered by now is the stream up to that offset. */
  note(offset: number): void {
    const { file, marks } = this;
    if (!file.enabled) return this.forget();
    const { position } = file;
    const last = marks.at(-1);
    if (last !== undefined && (last.position === position || marks.length === mostMarks)) {
      last.position = position;
      last.offset = offset;
    } else marks.push({ position, offset });
  }

  /** Undefined where there is no file. */
  get value(): number | undefined {
    const { file, marks } = this;
    if (!file.enabled) return undefined;
    const durable = file.durablePosition;
    let done = 0;
    for (; done < marks.length && marks[done].position <= durable; done++) this.synced = marks[done].offset;
    marks.splice(0, done);
    return this.synced < 0 ? undefined : this.synced;
  }

  /** Another stream begins. */
  forget(): void {
    this.marks.length = 0;
    this.synced = -1;
  }
}
