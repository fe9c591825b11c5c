import type { Settings } from '../job/settings.ts'
import type { Decision } from './decision.ts'

/**
 * Whether a container is made only when its first surviving descendant arrives. "Empty" covers folders that filters emptied,
 * so nobody can know before. A `taxonomy` consists of empty containers: there the setting is ignored.
 *
 * @see reference: job-policies 11
 */
export function lazyContainers(settings: Pick<Settings, 'emptyContainers' | 'transferType'>): boolean {
  return settings.emptyContainers === 'skip' && settings.transferType !== 'taxonomy'
}

/** What became of a lazy container that nothing arrived in. */
export const leftEmpty: Decision = { action: 'skip', reason: 'empty_container' }
