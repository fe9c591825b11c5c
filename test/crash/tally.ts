/** Counts what held and what did not, and says so as it happens. */
export class Tally {
  passed = 0
  failed = 0
  readonly #say: (line: string) => void

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  say(line: string): void {
    this.#say(line)
  }

  /** @param problems what is wrong; none means it held */
  check(what: string, problems: readonly string[] | string | undefined): boolean {
    const wrong = (typeof problems === 'string' ? [problems] : (problems ?? [])).filter((line) => line !== '')
    if (wrong.length === 0) this.passed++
    else this.failed++
    this.#say(`${wrong.length === 0 ? 'ok    ' : 'FAILED'}  ${what}`)
    for (const line of wrong) this.#say(line.replace(/^/gm, '          '))
    return wrong.length === 0
  }

  get line(): string {
    return `${this.passed} passed, ${this.failed} failed`
  }
}
