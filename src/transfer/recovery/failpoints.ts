/**
 * Places where a crash test lets the process die: `STEVEDORE_FAILPOINT=publish:after` at the first passing,
 * `publish:after#20` at the twentieth of one thread. Unset, which is always outside tests, a failpoint costs one comparison.
 */
const [wanted, nth] = (process.env['STEVEDORE_FAILPOINT'] ?? '').split('#')
const target = wanted === '' ? undefined : wanted
let left = Number(nth ?? 1)

export type Failpoint =
  | `staged:${'before' | 'after'}-commit`
  | `done:${'before' | 'after'}-commit`
  | `published:${'before' | 'after'}-record`
  | `removals:${'before' | 'after'}-commit`
  | 'place:after'
  | `begun:${'before' | 'after'}`
  | `root:${'before' | 'after'}`
  | `${'stage-container' | 'publish-container'}:${'before' | 'after'}`
  | `${'stage' | 'publish' | 'attributes' | 'link' | 'keep' | 'container' | 'finish-container' | 'partial' | 'enumerated' | 'remove'}:${'before' | 'after'}`

export function failpoint(name: Failpoint): void {
  if (target === undefined || name !== target) return
  left -= 1
  if (left === 0) process.kill(process.pid, 'SIGKILL')
}
