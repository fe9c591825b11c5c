/** With calls that never block, more than this would wait for the network's or the platform's own limits. */
const mostAsync = 256
const defaultAsync = 16

/**
 * How many writes of a job are in flight, over all its lanes.
 *
 * @param requested `performance.parallel_writes.requested`, when given
 * @param process cores of this machine, and how many calls that block may be under way in this process
 * @returns `cut`: why it is fewer than requested, for people
 * @see reference: job-policies 9
 */
export function parallelWrites(
  requested: number | undefined,
  io: 'blocking' | 'async',
  process: { cores: number; threads: number },
): { inFlight: number; cut?: string } {
  const most = io === 'async' ? mostAsync : process.threads
  const wanted = requested ?? (io === 'async' ? defaultAsync : process.cores)
  if (wanted <= most) return { inFlight: wanted }
  if (requested === undefined) return { inFlight: most }
  const why =
    io === 'async'
      ? `a worker has at most ${most} operations of a job under way`
      : `these platforms block the thread that calls them, and a worker has at most ${most} threads for that (STEVEDORE_IO_THREADS)`
  return { inFlight: most, cut: `${requested} is cut to ${most}: ${why}` }
}
