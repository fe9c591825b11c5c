import type { Failpoint } from '../../src/transfer/recovery/failpoints.ts'
import type { SceneName } from './scenes.ts'

/** One death: the process dies where `failpoint` says, at its n-th passing. */
export interface Case {
  scene: SceneName
  failpoint: Failpoint | `${Failpoint}#${number}`
}

const at = (scene: SceneName, ...failpoints: Case['failpoint'][]): Case[] =>
  failpoints.map((failpoint) => ({ scene, failpoint }))

/** Before and after every named step, in each kind of work that goes through it. */
export const cases: readonly Case[] = [
  ...at('create', 'enumerated:before', 'enumerated:after'),
  ...at('create', 'stage:before', 'stage:after', 'stage:after#5', 'staged:before-commit', 'staged:after-commit'),
  ...at('create', 'publish:before', 'publish:after', 'publish:after#7', 'done:before-commit', 'done:after-commit'),
  ...at('root', 'root:before', 'root:after', 'finish-container:before'),
  ...at('create', 'finish-container:before', 'finish-container:after'),
  ...at('containers', 'container:before', 'container:after', 'container:after#2'),
  ...at('containers', 'stage-container:before', 'stage-container:after', 'place:after', 'place:after#3'),
  ...at('containers', 'staged:after-commit', 'publish-container:before', 'publish-container:after'),
  ...at('overwrite', 'stage:before', 'stage:after#3', 'staged:before-commit', 'staged:after-commit'),
  ...at('overwrite', 'publish:before', 'publish:after', 'publish:after#3', 'done:before-commit', 'done:after-commit'),
  ...at('conflict', 'staged:after-commit', 'keep:before', 'keep:after', 'keep:after#3'),
  ...at('conflict', 'publish:before', 'publish:after', 'done:before-commit'),
  ...at('link', 'link:before', 'link:after', 'link:after#3', 'done:before-commit'),
  ...at('attributes', 'attributes:before', 'attributes:after', 'attributes:after#3', 'done:before-commit'),
  ...at('partial', 'partial:before', 'partial:after', 'stage:after', 'publish:after'),
  ...at('mirror', 'enumerated:after', 'remove:before', 'remove:after', 'remove:after#4'),
  ...at('mirror', 'removals:before-commit', 'removals:after-commit'),
  ...at(
    'move',
    'done:before-commit',
    'remove:before',
    'remove:after#5',
    'removals:before-commit',
    'removals:after-commit',
  ),
  ...at('sync', 'enumerated:after', 'container:before', 'container:after', 'stage:after#5', 'stage:after#9'),
  ...at('sync', 'staged:before-commit', 'staged:after-commit', 'publish:before', 'publish:after'),
  ...at(
    'sync',
    'publish:after#7',
    'publish:after#10',
    'done:before-commit',
    'done:after-commit',
    'finish-container:before',
  ),
  ...at('syncChanges', 'enumerated:after', 'stage:after#2', 'staged:after-commit', 'publish:after', 'publish:after#5'),
  ...at('syncChanges', 'keep:before', 'keep:after', 'remove:before', 'remove:after', 'remove:after#3'),
  ...at('syncChanges', 'done:before-commit', 'removals:before-commit', 'removals:after-commit'),
]

/** Not in the sweep, but in the tests named: before anything was looked at, or passed only by who clears up after two deaths. */
export const elsewhere: Readonly<Partial<Record<Failpoint, string>>> = {
  'begun:before': 'test/transfer/deaths.slow.test.ts',
  'begun:after': 'test/transfer/deaths.slow.test.ts',
  'published:before-record': 'test/transfer/deaths.slow.test.ts',
  'published:after-record': 'test/transfer/deaths.slow.test.ts',
}

/** One that publishes and one that replaces, for every run of the tests. */
export const fewCases: readonly Case[] = [...at('create', 'publish:after#7'), ...at('conflict', 'keep:after')]

/** Where platforms answer with promises: with items of one batch in different states. */
export const promisedCases: readonly Case[] = [
  ...at('create', 'stage:after#5', 'staged:after-commit', 'publish:after#7', 'done:after-commit'),
  ...at('containers', 'container:after#2', 'place:after#3', 'publish-container:after'),
  ...at('overwrite', 'publish:after#3'),
  ...at('conflict', 'keep:after#3'),
  ...at('partial', 'partial:after'),
  ...at('mirror', 'remove:after#4'),
  ...at('sync', 'publish:after#7', 'container:after'),
  ...at('syncChanges', 'keep:after', 'publish:after#5'),
]
