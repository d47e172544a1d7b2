function InitModule(ctx, logger, nk, initializer) {}
