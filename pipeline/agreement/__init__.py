"""How far coders, and coders and model, agree: pure statistics, from values to numbers with reasons.

Nothing here reads a study. A table of values (units in rows, coders in columns, None where a coder
gave nothing) becomes ``Ratings``; a statistic takes ``Ratings`` and gives a ``Statistic``: a value,
or nan with the reason why there is none, and the units and coders that it stands on. Nothing is
rounded and no NumPy warning is left to mean anything.

    from pipeline.agreement.alpha import krippendorff_alpha
    from pipeline.agreement.values import encode
    krippendorff_alpha(encode([["a", "a"], ["a", "b"], ["b", None]])).value

Which file answers what:

    values          Ratings, encode; counts of values by unit, confusion of two coders
    statistic       Statistic: value, reason, n_units, n_coders
    percent         percent_agreement (any number of coders)
    cohen, scott    cohen_kappa (weighted too), scott_pi (two coders)
    fleiss, gwet,
    brennan         fleiss_kappa, gwet_ac1, brennan_prediger (any number)
    weights         disagreement_weights: linear, quadratic, ordinal or given
    alpha           krippendorff_alpha: nominal, ordinal, interval, ratio, or a distance of one's own
    sets            alpha_over_sets: MASI or Jaccard, where coders give a unit sets of codes
    set_agreement   the same with its interval, for thousands of transcripts too
    continuum       Continuum, span_sums: spans as lengths that add up over texts
    unitizing       unitizing_agreement: u, binary, cu, (k)u and u of each code, for such spans
    characters      count_characters: spans of two coders as counts for ``pairs``
    retrieval       precision, recall, f1 (macro or micro), f1_samples: one coder held as reference
    pairs           all of it at once for two coders and a code given or not, from counts of arrays
    many            the same for all coders at once
    intervals       confidence intervals over transcripts (jackknife or BCa bootstrap), of differences too
    resamples       the transcripts that a bootstrap draws
    groups          the difference between two groups of transcripts, with its interval
    over_codes      the mean over codes of a statistic, with its interval
    chance          do coders agree better than chance
    alternative_annotator   is the model as good as one more coder, three coders or more
    left_out                the model against each coder in turn, what that test is made of
    non_inferiority         the same, exactly two coders
    verdict         either in words, with a sentence that says why
    hypotheses      Student's t with its degenerate case, false discovery control
    coefficients    COEFFICIENTS: name, formula, source and missing-data rule of each, for reports
    ratings         rate_table: agreement in a plain table of ratings, with warnings in words
"""
