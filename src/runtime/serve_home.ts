import { readConfig } from '../config.ts'
import { acquire, holderOf } from '../home/lock.ts'
import type { OpenHome } from '../open_home/open_home.ts'
import { withProfile } from '../temporal/profile.ts'
import type { ServeOptions, Stevedore } from './stevedore.ts'

/**
 * Serves a home: finds or starts the Temporal server, then worker and API as asked. One process at a time carries out the
 * jobs of a home; a second one attaches to the first, and only sends commands.
 *
 * @throws NotServed without `worker`, when there is no server to talk to; NoTemporalServer; Error in words for people; the
 * signal's reason when it was called off
 */
export async function serveHome(home: OpenHome, options: ServeOptions): Promise<Stevedore> {
  const config = await withProfile(readConfig())
  options.signal?.throwIfAborted()
  const asked = options.worker ? await acquire(home.home) : { heldBy: holderOf(home.home) }
  // Loaded here: who only sends commands needs nothing of what carries them out.
  if ('lock' in asked) {
    const { serve } = await import('./serve.ts')
    return serve(home, { config, options, lock: asked.lock })
  }
  const { attach } = await import('./attach.ts')
  return attach(home, { config, options, holder: asked.heldBy })
}
