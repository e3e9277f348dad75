// Runs a generator in slices. A newer run on the same lane ends an older one.
const lanes = {};
function run(lane, work, done, slice) {
  const token = (lanes[lane] = {});
  const step = () => {
    if (lanes[lane] !== token) return;
    const end = performance.now() + (slice || 12);
    do {
      const next = work.next();
      if (next.done) {
        lanes[lane] = null;
        return done && done(next.value);
      }
    } while (performance.now() < end);
    setTimeout(step, 0);
  };
  step();
}

