function same(ctx, logger, nk, request) {
  return request;
}

function InitModule(ctx, logger, nk, initializer) {
  initializer.registerBeforeListMatches(same);
}
