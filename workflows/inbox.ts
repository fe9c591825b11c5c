import { condition } from '@temporalio/workflow'

type Message = () => void | Promise<void>

/** Where an update gets its answer. */
export interface Answer<T> {
  resolve(value: T): void
  reject(failure: Error): void
}

/**
 * What happens to a workflow, in the order in which it came. Handlers, timers and children only put something in; one loop
 * takes it out, message by message, and is the only one that does anything: so there is one order of doing, the same on replay.
 */
export class Inbox {
  readonly #messages: Message[] = []

  get isEmpty(): boolean {
    return this.#messages.length === 0
  }

  put(message: Message): void {
    this.#messages.push(message)
  }

  /** @returns what the loop answers, which may be much later */
  ask<T>(message: (answer: Answer<T>) => void | Promise<void>): Promise<T> {
    return new Promise((resolve, reject) => this.put(() => message({ resolve, reject })))
  }

  /** Carries out what is there, and what comes meanwhile; waits for the first. */
  async takeAll(): Promise<void> {
    await condition(() => !this.isEmpty)
    for (let message = this.#messages.shift(); message; message = this.#messages.shift()) await message()
  }
}
