import { jobNames, type JobDocument } from './document.ts'
import { nearest } from './nearest.ts'
import type { Problem } from './problem.ts'
import { transferNames } from './transfer.ts'

/** Keys that hold something back. Mistyped or in the wrong place they would hold nothing back. */
const brakes: readonly string[] = [
  'simulation_mode',
  'filter',
  'item_overwrite',
  'conflict_resolution',
  'delete_propagation',
]

/**
 * An unknown key is kept and warned of, but one that must have been meant as a brake refuses the start: `simulaton_mode`
 * would otherwise write (design, brake 12).
 */
export function misplacedBrakes(job: JobDocument): Problem[] {
  const beside = Object.keys(job)
    .filter((key) => !jobNames.includes(key) && meant(key, [...transferNames, ...jobNames]))
    .map((key) => ({ key, path: key }))
  const inside = Object.keys(job.transfer)
    .filter((key) => !transferNames.includes(key) && meant(key, transferNames))
    .map((key) => ({ key, path: `transfer.${key}` }))
  return [...beside, ...inside].map(({ key, path }) => ({
    path,
    message: `is not a known key, but must have been meant as transfer.${nearest(key, brakes)}; without it the job might write what it should not`,
  }))
}

function meant(key: string, known: readonly string[]): boolean {
  return brakes.includes(nearest(key, known) ?? '')
}
