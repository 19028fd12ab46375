"""How good the model is: metrics, experiments that apply them, reports, listening tests."""
