/** One thing that is wrong with what somebody gave us, and where: the wire's `errors[]`, the CLI's lines. */
export interface Problem {
  /** A word a program can compare. */
  code: string
  /** A sentence: what was given, what is allowed. */
  description: string
  /** JSON path into the body (`transfer.source.connection.id`), or the name of a parameter; absent when it is about the whole. */
  property?: string
}

/** Something is not done, for all of these reasons. */
class NotDone extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(sentence).join('\n'))
    this.problems = problems
  }
}

/** What was given cannot be accepted; every problem at once. */
export class Unacceptable extends NotDone {
  override readonly name = 'Unacceptable'
}

/** A job will not run as it is, and stays as it was; every reason at once. */
export class NotStarted extends NotDone {
  override readonly name = 'NotStarted'
}

/** It stays, because others refer to it. */
export class InUse extends NotDone {
  override readonly name = 'InUse'
}

/** `transfer.large_item: "maybe" is not one of fail, skip` */
export function sentence(problem: Problem): string {
  return problem.property === undefined ? problem.description : `${problem.property}: ${problem.description}`
}
