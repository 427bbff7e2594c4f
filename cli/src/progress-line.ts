import { styleText } from 'node:util';
import { presentDuration } from '@formhaven/dr';

const WIDTH = 24;
const REFRESH_MILLISECONDS = 100;

/** One line on a terminal that shows how far the work is, how fast, and how long it takes. Nothing where nobody looks. */
export class ProgressLine implements Disposable {
  readonly #stream: NodeJS.WriteStream;
  readonly #title: string;
  readonly #startedAt = performance.now();
  #done = 0;
  #total = 0;
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(title: string, stream: NodeJS.WriteStream = process.stderr) {
    this.#title = title;
    this.#stream = stream;
  }

  update(done: number, total: number): void {
    this.#done = done;
    this.#total = Math.max(total, done);
    if (!this.#stream.isTTY || performance.now() - this.#shownAt < REFRESH_MILLISECONDS) return;
    this.#show();
  }

  /** A line of its own, above the progress. */
  say(text: string): void {
    if (!this.#stream.isTTY) return;
    this.#stream.write(`\r\x1b[K${text}\n`);
    if (this.#total > 0) this.#show();
  }

  #show(): void {
    this.#shownAt = performance.now();
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const rate = seconds === 0 ? 0 : this.#done / seconds;
    const share = this.#total === 0 ? 0 : this.#done / this.#total;
    const filled = Math.round(share * WIDTH);
    const bar = `${styleText('green', '█'.repeat(filled))}${'░'.repeat(WIDTH - filled)}`;
    const left = rate === 0 ? '' : `, ${presentDuration(((this.#total - this.#done) / rate) * 1000)} left`;
    this.#stream.write(
      `\r\x1b[K${this.#title} ${bar} ${this.#done}/${this.#total} ${Math.floor(share * 100)} %, ${rate.toFixed(1)}/s${left}`,
    );
  }

  [Symbol.dispose](): void {
    if (this.#stream.isTTY && this.#total > 0) this.#stream.write('\r\x1b[K');
  }
}
