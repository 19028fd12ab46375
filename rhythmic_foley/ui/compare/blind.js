// A blind comparison of two tracks: which is which is drawn anew in each round and told only after the vote.

class BlindTest {
  constructor() {
    this.votes = new Map(); // label or null for "can't tell" -> how often
    this.rounds = 0;
  }

  begin(ids) {
    const turned = crypto.getRandomValues(new Uint8Array(1))[0] % 2 === 1;
    this.order = turned ? [ids[1], ids[0]] : [...ids];
    this.listened = new Set();
    this.choice = undefined;
  }

  get open() {
    return this.choice === undefined;
  }

  get mayVote() {
    return this.open && this.listened.size === 2;
  }

  // index: 0 or 1 in the drawn order, or null for "can't tell". Returns what the page is told.
  vote(index, labelOf) {
    this.choice = index;
    this.rounds += 1;
    const label = index === null ? null : labelOf(this.order[index]);
    this.votes.set(label, (this.votes.get(label) ?? 0) + 1);
    return { preferred: index === null ? null : this.order[index], shown: [...this.order] };
  }

  told(labelOf) {
    const [one, two] = this.order.map(labelOf);
    const choice = this.choice === null ? "You could not tell." : `You preferred ${this.choice + 1}.`;
    return `${choice} 1 was “${one}”, 2 was “${two}”.${this.rounds > 1 ? ` ${this.tally()}` : ""}`;
  }

  tally() {
    const parts = [...this.votes].map(([label, count]) => `${label === null ? "can't tell" : `“${label}”`} ${count}`);
    return `So far, in ${this.rounds} rounds: ${parts.join(", ")}.`;
  }
}
