const periodMs = 40

/**
 * Lets a process run only a share of the time, by SIGSTOP and SIGCONT: a copy that is over in seconds lasts long enough to
 * be killed at thirty moments of it, on a fast machine too.
 *
 * @returns lets it run freely again
 */
export function slowMotion(pid: number, share: number): () => void {
  let resume: NodeJS.Timeout | undefined
  const stop = (): void => {
    send(pid, 'SIGSTOP')
    resume = setTimeout(() => send(pid, 'SIGCONT'), periodMs * (1 - share))
  }
  stop()
  const timer = setInterval(stop, periodMs)
  return () => {
    clearInterval(timer)
    clearTimeout(resume)
    send(pid, 'SIGCONT')
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Killed meanwhile, which is what happens here.
  }
}
