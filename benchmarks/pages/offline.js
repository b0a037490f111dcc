/* Lets asv's pages work when they are opened from a file, and repairs two faults. */
'use strict';

/* The pages request JSON, which browsers refuse to pages from a file: data.js answers these requests. */
$.ajaxTransport('+*', function(options) {
    return {
        send: function(headers, complete) {
            var path = decodeURIComponent(options.url.split('?')[0]);
            setTimeout(function() {
                if (path in ASV_DATA) {
                    complete(200, 'OK', {text: JSON.stringify(ASV_DATA[path])});
                } else {
                    complete(404, 'Not Found');
                }
            });
        },
        abort: function() {}
    };
});

$.plot.plugins.push({
    name: 'offline',
    version: '1.0',
    options: {},
    init: function(plot) {
        /* The line through the only commit is invisible: show its point, below the upper edge. */
        plot.hooks.processOptions.push(function(plot, options) {
            if (options.series.lines.show) {
                options.series.points.show = true;
                options.yaxes[0].autoscaleMargin = 0.2;
            }
        });
        /* orderBars computes with x, which is NaN for names, and draws no bar: the place of a name replaces it. */
        plot.hooks.processDatapoints.unshift(function(plot) {
            $.each(plot.getData(), function(i, series) {
                $.each(series.data, function(k, point) {
                    if (typeof point[0] == 'string') {
                        point[0] = k;
                    }
                });
            });
        });
    }
});
