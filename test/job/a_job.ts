import { readJob, type JobDocument } from '../../src/job/document.ts'
import type { Problem } from '../../src/job/problem.ts'

type Json = Record<string, unknown>

/** The smallest job document, with these keys of `transfer` and beside it. */
export function aDocument(transfer: Json = {}, beside: Json = {}): Json {
  return {
    transfer: {
      transfer_type: 'copy',
      source: { connection: { id: 'a' }, target: { path: '/from' } },
      destination: { connection: { id: 'b' }, target: { path: '/to' } },
      ...transfer,
    },
    ...beside,
  }
}

/** The same, read; fails the test when it has problems. */
export function aJob(transfer: Json = {}, beside: Json = {}): JobDocument {
  const result = readJob(aDocument(transfer, beside))
  if (!result.ok) throw new Error(result.problems.map(line).join('\n'))
  return result.job
}

/** What is wrong with it, one line each. */
export function problemsOf(input: unknown, options: { strict?: boolean } = {}): string[] {
  const result = readJob(input, options)
  return result.ok ? [] : result.problems.map(line)
}

/** What it is warned of, one line each; fails the test when it has problems. */
export function warningsOf(input: unknown): string[] {
  const result = readJob(input)
  if (!result.ok) throw new Error(result.problems.map(line).join('\n'))
  return result.warnings.map(line)
}

function line({ path, message }: Problem): string {
  return path === '' ? message : `${path}: ${message}`
}
