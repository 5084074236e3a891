// A stage that gets every line and does nothing: the price of the crossing.

export default class Plugin {
  constructor(settings, setup) {
    setup.readsLines();
  }

  process() {}
}
