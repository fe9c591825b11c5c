import type { Settings } from '../job/settings.ts'

/**
 * Whether a container is made only when its first surviving descendant arrives. "Empty" covers folders that filters emptied,
 * so nobody can know before. A `taxonomy` consists of empty containers: there the setting is ignored.
 *
 * @see reference: job-policies 11
 */
export function lazyContainers(settings: Pick<Settings, 'emptyContainers' | 'transferType'>): boolean {
  return settings.emptyContainers === 'skip' && settings.transferType !== 'taxonomy'
}
