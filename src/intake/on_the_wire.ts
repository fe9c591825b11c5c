import type { Problem as DocumentProblem } from '../job/problem.ts'
import type { Problem } from '../problem.ts'

/** A problem of a document as the wire's `errors[]` has it. */
export function onTheWire({ path, message }: DocumentProblem): Problem {
  return { code: 'invalid', description: message, ...(path === '' ? {} : { property: path }) }
}
